using System.Text;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;
using VisualPriors.Storage.Checkpoints;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Storage.Tests.Checkpoints;

/// <summary>Two attempts at one stage: the older one never gets anything in.</summary>
[Collection(StoreFixture.Collection)]
public sealed class FenceTests(StoreFixture stores)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task An_attempt_that_was_overtaken_neither_commits_nor_finds_nor_deletes(string kind)
    {
        var store = stores.OpenEmpty(kind);
        var (old, _) = await Stage.AcquireAsync(store);
        await Stage.SaveAsync(old, 100);
        var parts = await Stage.WritePartsAsync(old, 200);
        var (current, _) = await Stage.AcquireAsync(store);

        var error = await Assert.ThrowsAsync<FencedException>(() => old.CommitAsync(Stage.At(200), parts, None));

        Assert.Equal($"attempt 2 has taken over {store.Address}: attempt 1 is over", error.Message);
        await Assert.ThrowsAsync<FencedException>(() => old.FindLatestAsync(None));
        await Assert.ThrowsAsync<FencedException>(() => old.RetainAsync(new CheckpointSpec { KeepLast = 1 }, None));
        Assert.Equal(["100/1*", "200/1"], await Stage.FoldersAsync(store));
        Assert.Equal(100, (await current.FindLatestAsync(None))!.Position.Step);
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task Numbers_that_are_over_or_held_by_another_process_are_refused(string kind)
    {
        var store = stores.OpenEmpty(kind);
        var (fifth, _) = await Stage.AcquireAsync(store, 5);
        await Assert.ThrowsAsync<FencedException>(() => Stage.AcquireAsync(store, 4));
        var same = await Assert.ThrowsAsync<FencedException>(() => Stage.AcquireAsync(store, 5));
        Assert.Contains("another process holds", same.Message, StringComparison.Ordinal);
        await Stage.SaveAsync(fifth, 100);
        Assert.Equal(6, (await Stage.AcquireAsync(store)).Store.Attempt);
        Assert.Equal(9, (await Stage.AcquireAsync(store, 9)).Store.Attempt);
    }

    /// <summary>The hard case: the old writer looked at the fence in time, slept, and writes its manifest when all has moved on.</summary>
    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task A_manifest_that_arrives_after_the_fence_was_taken_never_counts_even_if_the_fence_was_looked_at_in_time(string kind)
    {
        var store = stores.OpenEmpty(kind);
        var (reached, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var (old, _) = await Stage.AcquireAsync(new StoreDecorator(store, async (operation, name) =>
        {
            if (operation == "create" && name.Contains("step-000000000200", StringComparison.Ordinal))
            {
                reached.SetResult();
                await go.Task;
            }
        }));
        await Stage.SaveAsync(old, 100);
        var late = Stage.SaveAsync(old, 200);
        await reached.Task.WaitAsync(TimeSpan.FromMinutes(1));

        var (second, latest) = await Stage.AcquireAsync(store);
        Assert.Equal(100, latest!.Position.Step);
        go.SetResult();
        await Assert.ThrowsAsync<FencedException>(() => late);

        Assert.Contains("200/1*", await Stage.FoldersAsync(store));
        Assert.Equal(100, (await second.FindLatestAsync(None))!.Position.Step);
        var (third, latestOfThird) = await Stage.AcquireAsync(store);
        Assert.Equal(100, latestOfThird!.Position.Step);
        await Stage.SaveAsync(third, 150);
        Assert.Equal((150, 3), ((await third.FindLatestAsync(None))!.Position.Step, (await third.FindLatestAsync(None))!.Attempt));
        await third.RetainAsync(new CheckpointSpec { KeepLast = 10 }, None);
        Assert.Equal(["100/1*", "150/3*"], await Stage.FoldersAsync(store));
    }

    /// <summary>Between its two writes of the fence an attempt may be killed: what it would have inherited is not lost.</summary>
    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task An_attempt_that_dies_while_it_takes_the_fence_leaves_what_was_whole_to_the_next(string kind)
    {
        var store = stores.OpenEmpty(kind);
        var (first, _) = await Stage.AcquireAsync(store);
        await Stage.SaveAsync(first, 100);
        var (second, _) = await Stage.AcquireAsync(store);
        await Stage.SaveAsync(second, 200);
        for (var killed = 3; killed < 6; killed++)
        {
            var replaces = 0;
            await Assert.ThrowsAsync<CutOffException>(() => Stage.AcquireAsync(new StoreDecorator(
                store, (operation, _) => operation == "replace" && ++replaces == 2 ? throw new CutOffException() : Task.CompletedTask)));
            // The fence is taken: the one before cannot go on.
            await Assert.ThrowsAsync<FencedException>(() => Stage.SaveAsync(second, 300));
        }

        var (next, latest) = await Stage.AcquireAsync(store);

        Assert.Equal(6, next.Attempt);
        Assert.Equal((200, 2), (latest!.Position.Step, latest.Attempt));
        await next.RetainAsync(new CheckpointSpec { KeepLast = 5 }, None);
        Assert.Equal(["100/1*", "200/2*"], await Stage.FoldersAsync(store));
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task Of_many_who_take_the_fence_at_once_the_last_to_have_it_alone_commits(string kind)
    {
        var address = stores.NewAddress(kind);
        var (before, _) = await Stage.AcquireAsync(stores.Open(address));
        await Stage.SaveAsync(before, 100);

        var taken = (await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(async () =>
        {
            try
            {
                return (await Stage.AcquireAsync(stores.Open(address))).Store;
            }
            catch (FencedException)
            {
                return null;
            }
        })))).OfType<CheckpointStore>().ToArray();

        Assert.NotEmpty(taken);
        Assert.Equal(taken.Length, taken.Select(store => store.Attempt).Distinct().Count());
        var committed = new List<long>();
        foreach (var store in taken)
        {
            try
            {
                await Stage.SaveAsync(store, 200);
                committed.Add(store.Attempt);
            }
            catch (FencedException)
            {
            }
        }

        Assert.Equal([taken.Max(store => store.Attempt)], committed);
        Assert.Equal((200, committed[0]), await Stage.AcquireAsync(stores.Open(address)) is var (_, latest) ? (latest!.Position.Step, latest.Attempt) : default);
    }

    [Fact]
    public async Task A_deleted_fence_stops_its_attempt_and_the_next_goes_on_with_what_is_there()
    {
        var store = stores.OpenEmpty("file");
        var (third, _) = await Stage.AcquireAsync(store, 3);
        await Stage.SaveAsync(third, 100);
        await store.DeleteAsync("fence.json", None);

        await Assert.ThrowsAsync<FencedException>(() => Stage.SaveAsync(third, 200));
        await Assert.ThrowsAsync<FencedException>(() => Stage.AcquireAsync(store, 3));
        var (next, latest) = await Stage.AcquireAsync(store);

        Assert.Equal((4, 100), (next.Attempt, latest!.Position.Step));
    }

    [Theory]
    [InlineData("\"version\": 1", "\"version\": 7", "version: found 7")]
    [InlineData(Stage.Digest, "other", "stageDigest: found other")]
    [InlineData("\"attempt\": 1", "\"attempt\": -1", "attempt: found -1")]
    [InlineData("\"holder\"", "\"owner\"", "owner")]
    public async Task A_fence_that_is_not_understood_is_an_error(string what, string with, string expected)
    {
        var store = stores.OpenEmpty("file");
        await Stage.AcquireAsync(store);
        var text = Encoding.UTF8.GetString((await store.TryReadAsync("fence.json", 1 << 20, None))!.Bytes);
        await store.WriteAsync("fence.json", [Encoding.UTF8.GetBytes(text.Replace(what, with, StringComparison.Ordinal))], None);

        var error = await Assert.ThrowsAsync<InvalidInputException>(() => Stage.AcquireAsync(store));

        Assert.StartsWith($"{store.Address}/fence.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
