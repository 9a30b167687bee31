using VisualPriors.Api.Resources;
using VisualPriors.Storage.Checkpoints;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Storage.Tests.Checkpoints;

/// <summary>What becomes of checkpoints when their stage's artifact is committed.</summary>
[Collection(StoreFixture.Collection)]
public sealed class FinishedStageTests(StoreFixture stores)
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly CheckpointSpec Policy = new();

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task Nothing_is_left_of_this_attempts_and_earlier_ones(string kind)
    {
        var store = stores.OpenEmpty(kind);
        var (first, _) = await Stage.AcquireAsync(store, 1);
        await Stage.SaveAsync(first, 100);
        var (second, _) = await Stage.AcquireAsync(store, 2);
        await Stage.SaveAsync(second, 200);
        await Stage.WritePartsAsync(second, 300);

        Assert.Equal(3, await CheckpointStore.RemoveFinishedAsync(store, Stage.Digest, 2, Policy, None));

        Assert.Empty(await ObjectStoreTests.ListAsync(store, ""));
        Assert.Equal(0, await CheckpointStore.RemoveFinishedAsync(store, Stage.Digest, 2, Policy, None));
    }

    [Fact]
    public async Task A_later_attempt_that_has_begun_keeps_all_it_may_go_on_from()
    {
        var store = stores.OpenEmpty("file");
        var (first, _) = await Stage.AcquireAsync(store, 1);
        await Stage.SaveAsync(first, 100);
        var (second, latest) = await Stage.AcquireAsync(store, 2);

        Assert.Equal(0, await CheckpointStore.RemoveFinishedAsync(store, Stage.Digest, 1, Policy, None));

        await Stage.CheckAsync(second, latest!);
        await Stage.SaveAsync(second, 200);
    }

    [Fact]
    public async Task What_the_policy_keeps_for_ever_stays_and_can_be_gone_on_from()
    {
        var store = stores.OpenEmpty("file");
        var (attempt, _) = await Stage.AcquireAsync(store, 1);
        foreach (var step in (long[])[50, 100, 150, 200, 230])
        {
            await Stage.SaveAsync(attempt, step);
        }

        await Stage.WritePartsAsync(attempt, 300);

        Assert.Equal(4, await CheckpointStore.RemoveFinishedAsync(store, Stage.Digest, 1, new CheckpointSpec { KeepEverySteps = 100 }, None));

        Assert.Equal(["100/1*", "200/1*"], await Stage.FoldersAsync(store));
        var (next, latest) = await Stage.AcquireAsync(store, 2);
        Assert.Equal(200, latest!.Position.Step);
        await Stage.CheckAsync(next, latest);
    }

    [Fact]
    public async Task An_attempt_that_was_given_up_for_dead_finds_no_fence_and_writes_no_checkpoint()
    {
        var store = stores.OpenEmpty("file");
        var (stale, _) = await Stage.AcquireAsync(store, 1);
        await CheckpointStore.RemoveFinishedAsync(store, Stage.Digest, 2, Policy, None);

        await Assert.ThrowsAsync<FencedException>(() => Stage.SaveAsync(stale, 100));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task A_removal_that_is_cut_off_leaves_whole_checkpoints_or_none(int changes)
    {
        var store = stores.OpenEmpty("file");
        var (attempt, _) = await Stage.AcquireAsync(store, 1);
        await Stage.SaveAsync(attempt, 100);
        await Stage.SaveAsync(attempt, 200);
        var left = changes;
        var cutOff = new StoreDecorator(store, (_, _) => Interlocked.Decrement(ref left) < 0 ? throw new CutOffException() : Task.CompletedTask);

        await Assert.ThrowsAsync<CutOffException>(() => CheckpointStore.RemoveFinishedAsync(cutOff, Stage.Digest, 1, Policy, None));

        var (next, latest) = await Stage.AcquireAsync(store, 2);
        Assert.Empty(next.Skipped);
        if (latest is not null)
        {
            await Stage.CheckAsync(next, latest);
        }
    }
}
