using System.Diagnostics;
using System.Globalization;
using Azure.Storage.Blobs;
using VisualPriors.Storage.Checkpoints;
using VisualPriors.Storage.Objects;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Benchmarks;

/// <summary>
/// Bandwidth of checkpoint parts: to a folder against <c>dd</c> of as many bytes to the same folder, to Azurite against a plain upload by
/// Azure's library to the same Azurite. The two take turns in one run, so that other work on the machine slows both, and medians are compared.
/// </summary>
internal static class CheckpointBandwidth
{
    private const int FileMiB = 1024;
    private const int BlobMiB = 256;
    private const int SegmentMiB = 256;
    private const int MiB = 1 << 20;
    private const int Rounds = 5;
    private const string Container = "benchmark";

    public static async Task RunAsync(string folder)
    {
        var root = Directory.CreateDirectory(Path.Combine(folder, $"vp-bandwidth-{Guid.NewGuid():N}")).FullName;
        try
        {
            // Zeros, as dd has from /dev/zero.
            ReadOnlyMemory<byte> segment = new byte[SegmentMiB * MiB];
            var content = Enumerable.Repeat(segment, FileMiB / SegmentMiB).ToArray();
            var store = ObjectStores.Open($"file://{root}/store");
            var checkpoints = new CheckpointStore(store, "benchmark", 1);
            await CompareAsync(
                $"{FileMiB} MiB to {folder}, without hashes", FileMiB, "dd", () => store.WriteAsync("part", content, default), () => DdAsync(root)).ConfigureAwait(false);
            await CompareAsync(
                $"{FileMiB} MiB to {folder}, with hashes", FileMiB, "dd", () => checkpoints.WritePartAsync(1, "part", content, default), () => DdAsync(root))
                .ConfigureAwait(false);
            await BlobAsync(segment[..(BlobMiB * MiB)]).ConfigureAwait(false);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task BlobAsync(ReadOnlyMemory<byte> content)
    {
        var azurite = await Azurite.StartAsync().ConfigureAwait(false);
        await using (azurite.ConfigureAwait(false))
        {
            var connection = Azurite.ConnectionString(azurite.Port);
            Environment.SetEnvironmentVariable(ObjectStores.ConnectionStringVariable, connection);
            var checkpoints = new CheckpointStore(ObjectStores.Open($"azblob://{Azurite.Account}/{Container}/stage"), "benchmark", 1);
            var container = new BlobContainerClient(connection, Container);
            await container.CreateIfNotExistsAsync().ConfigureAwait(false);
            var plain = container.GetBlobClient("plain");
            await CompareAsync(
                $"{BlobMiB} MiB to Azurite, with hashes",
                BlobMiB,
                "plain upload",
                () => checkpoints.WritePartAsync(1, "part", [content], default),
                () => plain.UploadAsync(BinaryData.FromBytes(content), overwrite: true)).ConfigureAwait(false);
        }
    }

    private static async Task CompareAsync(string what, int mib, string peerName, Func<Task> ours, Func<Task> peer)
    {
        // Once each without a clock: compilation, connections, the peer's own warm-up.
        await ours().ConfigureAwait(false);
        await peer().ConfigureAwait(false);
        var rounds = new List<(double Ours, double Peer)>();
        for (var round = 0; round < Rounds; round++)
        {
            rounds.Add((mib / await SecondsAsync(ours).ConfigureAwait(false), mib / await SecondsAsync(peer).ConfigureAwait(false)));
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: ours {Median(rounds.Select(r => r.Ours)):F0} MiB/s, {peerName} {Median(rounds.Select(r => r.Peer)):F0} MiB/s, "
            + $"ratio {Median(rounds.Select(r => r.Ours / r.Peer)):F2} ({string.Join(" ", rounds.Select(r => (r.Ours / r.Peer).ToString("F2", CultureInfo.InvariantCulture)))})"));
    }

    private static async Task<double> SecondsAsync(Func<Task> run)
    {
        var watch = Stopwatch.StartNew();
        await run().ConfigureAwait(false);
        return watch.Elapsed.TotalSeconds;
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

    private static async Task DdAsync(string folder)
    {
        string[] arguments = ["if=/dev/zero", $"of={folder}/dd", "bs=16M", $"count={FileMiB / 16}", "conv=fdatasync", "status=none"];
        using var process = Process.Start("dd", arguments);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"dd ended with exit code {process.ExitCode}");
        }
    }
}
