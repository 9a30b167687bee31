using System.Diagnostics;
using System.Globalization;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
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
    private const int FileRounds = 9;
    private const int BlobRounds = 3;
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
            await CompareAsync(
                $"{FileMiB} MiB to {folder}",
                FileMiB,
                FileRounds,
                "dd",
                () => store.WriteAsync("part", content, default),
                () => DdAsync(root),
                () =>
                {
                    // Both write a new file, and neither has the other's pages to share memory with.
                    File.Delete($"{root}/dd");
                    File.Delete($"{root}/store/part");
                }).ConfigureAwait(false);
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
            // The library's newest protocol is newer than the emulator's.
            var container = new BlobContainerClient(connection, Container, new BlobClientOptions(BlobClientOptions.ServiceVersion.V2024_08_04));
            await container.CreateIfNotExistsAsync().ConfigureAwait(false);
            var plain = container.GetBlobClient("plain");
            // Blocks as ours, without checksums: left to itself the library sends so much in one request, which is slower still.
            var blocks = new StorageTransferOptions { InitialTransferSize = 8 * MiB, MaximumTransferSize = 8 * MiB, MaximumConcurrency = 6 };
            await CompareAsync(
                $"{BlobMiB} MiB to Azurite, with hashes",
                BlobMiB,
                BlobRounds,
                "plain block upload",
                () => checkpoints.WritePartAsync(1, "part", [content], default),
                () => plain.UploadAsync(BinaryData.FromBytes(content), new BlobUploadOptions { TransferOptions = blocks }),
                () => { }).ConfigureAwait(false);
        }
    }

    private static async Task CompareAsync(string what, int mib, int count, string peerName, Func<Task> ours, Func<Task> peer, Action clear)
    {
        // Once each without a clock: compilation, connections, the peer's own warm-up.
        await ours().ConfigureAwait(false);
        await peer().ConfigureAwait(false);
        var rounds = new List<(double Ours, double Peer)>();
        for (var round = 0; round < count; round++)
        {
            // Each goes first in turn: a disk with a budget for bursts is slower to whoever comes second.
            clear();
            var first = await SecondsAsync(round % 2 == 0 ? ours : peer).ConfigureAwait(false);
            clear();
            var second = await SecondsAsync(round % 2 == 0 ? peer : ours).ConfigureAwait(false);
            rounds.Add(round % 2 == 0 ? (mib / first, mib / second) : (mib / second, mib / first));
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: ours {Median(rounds.Select(r => r.Ours)):F0} MiB/s, {peerName} {Median(rounds.Select(r => r.Peer)):F0} MiB/s, "
            + $"ratio of medians {Median(rounds.Select(r => r.Ours)) / Median(rounds.Select(r => r.Peer)):F2} (rounds: {string.Join(" ", rounds.Select(r => (r.Ours / r.Peer).ToString("F2", CultureInfo.InvariantCulture)))})"));
    }

    private static async Task<double> SecondsAsync(Func<Task> run)
    {
        var watch = Stopwatch.StartNew();
        await run().ConfigureAwait(false);
        return watch.Elapsed.TotalSeconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

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
