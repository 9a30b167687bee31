using System.Diagnostics;
using System.Globalization;
using VisualPriors.Storage.Tests.Checkpoints;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Storage.Tests.Faults;

/// <summary>Writers that die of SIGKILL at any moment, or of a full disk.</summary>
[Collection(StoreFixture.Collection)]
public sealed class KilledWriterTests(StoreFixture stores)
{
    private static readonly string Program = typeof(FaultProgram).Assembly.Location;

    [Theory]
    [InlineData("file", 20)]
    [InlineData("azblob", 8)]
    public async Task Whenever_a_writer_is_killed_the_last_checkpoint_it_told_of_or_a_later_one_is_found_whole(string kind, int kills)
    {
        var address = stores.NewAddress(kind);
        var store = stores.Open(address);
        var random = new Random(20);
        long told = 0;
        for (var kill = 0; kill < kills; kill++)
        {
            told = Math.Max(told, await KilledAsync(address, random.Next(1, 25), TimeSpan.FromMilliseconds(random.Next(15))));

            var (checkpoints, latest) = await Stage.AcquireAsync(store);
            Assert.Empty(checkpoints.Skipped);
            Assert.True((latest?.Position.Step ?? 0) >= told, $"step {told} was committed, {latest?.Position.Step} found");
            if (latest is not null)
            {
                await Stage.CheckAsync(checkpoints, latest);
            }
        }

        // Nothing of all those deaths stays.
        var (last, newest) = await Stage.AcquireAsync(stores.Open(address));
        Assert.True(told > 0, "no writer lived long enough to save anything");
        await last.RetainAsync(FaultProgram.Policy, CancellationToken.None);
        var folders = await Stage.FoldersAsync(store);
        Assert.All(folders, folder => Assert.EndsWith("*", folder, StringComparison.Ordinal));
        var steps = folders.Select(folder => long.Parse(folder.Split('/')[0], CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(newest!.Position.Step, steps[^1]);
        Assert.All(steps[..^2], step => Assert.Equal(0, step % FaultProgram.Policy.KeepEverySteps));
        await Stage.SaveAsync(last, newest.Position.Step + 100);
        if (kind == "file")
        {
            Assert.Empty(Directory.GetFiles(Path.Combine(StoreFixture.FolderOf(address), ".partial")));
        }
    }

    [Fact]
    public async Task A_full_disk_costs_the_checkpoint_that_did_not_fit_and_nothing_else()
    {
        var folder = Directory.CreateTempSubdirectory("vp-disk-").FullName;
        try
        {
            // A disk of its own that is gone with the process, however that ends: mounted in a namespace nobody else sees.
            string[] unshare = Environment.UserName == "root" ? ["--mount"] : ["--mount", "--map-root-user"];
            const string Script = "mount -t tmpfs -o size=24m none \"$1\" && exec dotnet \"$2\" fill \"$1\"";
            using var process = Process.Start(new ProcessStartInfo("unshare", [.. unshare, "--propagation", "private", "sh", "-c", Script, "sh", folder, Program])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(2));
            await process.WaitForExitAsync();
            Assert.True(output == "as it must be\n", output + await errors);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Starts a writer, waits until it has said so many things and then a moment, kills it; gives the last step that it told to be saved.</summary>
    private async Task<long> KilledAsync(string address, int lines, TimeSpan moment)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Program, "save", address])
        {
            RedirectStandardOutput = true,
            Environment = { [FaultProgram.PortVariable] = stores.Azurite.Port.ToString(CultureInfo.InvariantCulture) },
        })!;
        long told = 0;
        try
        {
            for (var i = 0; i < lines; i++)
            {
                var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1));
                Note(line ?? throw new InvalidOperationException("the writer ended by itself; its error is on standard error"));
            }

            await Task.Delay(moment);
        }
        finally
        {
            process.Kill();
        }

        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            Note(line);
        }

        await process.WaitForExitAsync();
        return told;

        void Note(string line) =>
            told = line.StartsWith("saved ", StringComparison.Ordinal) ? long.Parse(line["saved ".Length..], CultureInfo.InvariantCulture) : told;
    }
}
