using System.Globalization;
using VisualPriors.Api.Resources;
using VisualPriors.Storage.Objects;
using VisualPriors.Storage.Tests.Checkpoints;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Storage.Tests.Faults;

/// <summary>A process of its own that saves checkpoints: to be killed, or to run out of disk.</summary>
internal static class FaultProgram
{
    public const string PortVariable = "VP_TEST_AZURITE_PORT";
    public const int PartBytes = 3 << 20;
    private static readonly CancellationToken None = CancellationToken.None;

    /// <summary>What the killed writer keeps.</summary>
    public static CheckpointSpec Policy { get; } = new() { KeepLast = 2, KeepEverySteps = 1000 };

    public static async Task<int> Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["save", var address]:
                await SaveForEverAsync(Open(address));
                return 0;
            case ["fill", var folder]:
                await FillAsync(folder);
                return 0;
            default:
                return 2;
        }
    }

    private static IObjectStore Open(string address) => ObjectStores.Open(
        address,
        name => name == ObjectStores.ConnectionStringVariable && Environment.GetEnvironmentVariable(PortVariable) is { } port
            ? Azurite.ConnectionString(int.Parse(port, CultureInfo.InvariantCulture))
            : null,
        StoreFixture.Quick);

    /// <summary>Says what it is about to change, and <c>saved STEP</c> when a checkpoint is committed.</summary>
    private static async Task SaveForEverAsync(IObjectStore store)
    {
        var (checkpoints, latest) = await Stage.AcquireAsync(new StoreDecorator(store, (operation, name) => Console.Out.WriteLineAsync($"{operation} {name}")));
        for (var step = (latest?.Position.Step ?? 0) + 100; ; step += 100)
        {
            await Stage.SaveAsync(checkpoints, step, PartBytes);
            Console.WriteLine($"saved {step}");
            await checkpoints.RetainAsync(Policy, None);
        }
    }

    /// <summary>Fills a small disk in every way; ends with an exception where something is not as it must be.</summary>
    private static async Task FillAsync(string folder)
    {
        var root = Path.Combine(folder, "store");
        var store = Open($"file://{root}");
        var (checkpoints, _) = await Stage.AcquireAsync(store);
        await Stage.SaveAsync(checkpoints, 100, PartBytes);

        // More than the disk has: refused before or while it is written.
        var error = await Assert.ThrowsAsync<StoreException>(() => Stage.SaveAsync(checkpoints, 200, 100 << 20));
        Assert.Contains($"{Stage.Folder(200, 1)}/state-0: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("No space left on device", error.Message, StringComparison.Ordinal);
        Nothing();

        // Parts fit, the manifest does not.
        var parts = await Stage.WritePartsAsync(checkpoints, 200, PartBytes);
        var filler = Path.Combine(folder, "filler");
        Fill(filler);
        error = await Assert.ThrowsAsync<StoreException>(() => checkpoints.CommitAsync(Stage.At(200), parts, None));
        Assert.Contains($"{Stage.Folder(200, 1)}/manifest.json: ", error.Message, StringComparison.Ordinal);
        Nothing();
        Assert.Equal(100, (await checkpoints.FindLatestAsync(None))!.Position.Step);
        await Assert.ThrowsAsync<StoreException>(() => Stage.AcquireAsync(Open($"file://{root}")));
        Nothing();

        File.Delete(filler);
        await checkpoints.CommitAsync(Stage.At(200), parts, None);
        var (next, latest) = await Stage.AcquireAsync(Open($"file://{root}"));
        Assert.Equal(200, latest!.Position.Step);
        await Stage.CheckAsync(next, latest);
        Console.WriteLine("as it must be");

        void Nothing() => Assert.Empty(Directory.GetFiles(Path.Combine(root, ".partial")));
    }

    private static void Fill(string path)
    {
        using var file = File.Create(path);
        try
        {
            while (true)
            {
                file.Write(new byte[4096]);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }
}
