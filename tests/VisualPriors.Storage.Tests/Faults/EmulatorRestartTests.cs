using VisualPriors.Storage.Objects;
using VisualPriors.Storage.Tests.Checkpoints;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Storage.Tests.Faults;

/// <summary>Azurite killed in the midst of an upload, and started again on the same port and folder.</summary>
public sealed class EmulatorRestartTests
{
    private const int PartBytes = 40 << 20;

    /// <summary>With some of a part's blocks on their way, and with all of them there, which a killed Azurite forgets.</summary>
    [Theory]
    [InlineData("comp=block&", 3)]
    [InlineData("comp=blocklist", 1)]
    public async Task An_upload_outlives_the_store_s_death_and_the_checkpoint_before_it_too(string request, int count)
    {
        await using var azurite = await Azurite.StartAsync();
        var (seen, killed) = (0, new TaskCompletionSource());
        await using var proxy = new FaultProxy(azurite.Port, line =>
        {
            if (line.Contains(request, StringComparison.Ordinal) && line.Contains("000000000200", StringComparison.Ordinal) && Interlocked.Increment(ref seen) == count)
            {
                azurite.KillAsync().GetAwaiter().GetResult();
                killed.SetResult();
            }

            return new Fault.Throttle(40 << 20);
        });
        var store = ObjectStores.Open(
            $"azblob://{Azurite.Account}/tests/stage", name => name == ObjectStores.ConnectionStringVariable ? Azurite.ConnectionString(proxy.Port) : null, StoreFixture.Quick);
        var (checkpoints, _) = await Stage.AcquireAsync(store);
        await Stage.SaveAsync(checkpoints, 100);
        // Azurite writes its records down some seconds late, unlike the service: an orderly restart makes it.
        await azurite.StopAsync();
        await azurite.RunAsync();

        var save = Task.Run(() => Stage.SaveAsync(checkpoints, 200, PartBytes));
        await killed.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await azurite.RunAsync();
        await save.WaitAsync(TimeSpan.FromMinutes(2));

        var (next, latest) = await Stage.AcquireAsync(store);
        Assert.Equal(200, latest!.Position.Step);
        Assert.Empty(next.Skipped);
        await Stage.CheckAsync(next, latest);
    }

    [Fact]
    public async Task An_upload_to_a_store_that_stays_dead_names_the_part_and_the_checkpoint_before_it_is_found()
    {
        await using var azurite = await Azurite.StartAsync();
        IObjectStore Open(TimeSpan total) => ObjectStores.Open(
            $"azblob://{Azurite.Account}/tests/stage",
            name => name == ObjectStores.ConnectionStringVariable ? Azurite.ConnectionString(azurite.Port) : null,
            StoreFixture.Quick with { TotalTime = total });
        var (checkpoints, _) = await Stage.AcquireAsync(Open(TimeSpan.FromSeconds(3)));
        await Stage.SaveAsync(checkpoints, 100);
        await azurite.StopAsync();

        var error = await Assert.ThrowsAsync<StoreException>(() => Stage.SaveAsync(checkpoints, 200, PartBytes));

        Assert.Contains("state-0", error.Message, StringComparison.Ordinal);
        await azurite.RunAsync();
        var (next, latest) = await Stage.AcquireAsync(Open(TimeSpan.FromSeconds(60)));
        Assert.Equal(100, latest!.Position.Step);
        await Stage.CheckAsync(next, latest);
    }
}
