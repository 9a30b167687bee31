using System.Text;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;
using VisualPriors.Storage.Checkpoints;
using VisualPriors.Storage.Objects;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Storage.Tests.Checkpoints;

/// <summary>What is found, read, and kept.</summary>
[Collection(StoreFixture.Collection)]
public sealed class CheckpointStoreTests(StoreFixture stores)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task The_newest_committed_checkpoint_is_found_by_the_next_attempt_and_read_to_the_byte(string kind)
    {
        var address = stores.NewAddress(kind);
        var (first, none) = await Stage.AcquireAsync(stores.Open(address));
        Assert.Null(none);
        Assert.Equal(1, first.Attempt);
        await Stage.SaveAsync(first, 100);
        await Stage.SaveAsync(first, 200);
        await Stage.WritePartsAsync(first, 300);

        var (second, latest) = await Stage.AcquireAsync(stores.Open(address));

        Assert.Equal(2, second.Attempt);
        Assert.Equal(Stage.At(200), latest!.Position);
        Assert.Equal(1, latest.Attempt);
        Assert.Empty(second.Skipped);
        await Stage.CheckAsync(new CheckpointStore(stores.Open(address), Stage.Digest, 2), latest);
        await Stage.SaveAsync(second, 300);
        Assert.Equal((300, 2), await LatestAsync(second));
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task Any_range_of_a_part_of_several_chunks_is_read_and_a_flipped_byte_is_told_with_its_chunk(string kind)
    {
        var store = stores.OpenEmpty(kind);
        var (checkpoints, _) = await Stage.AcquireAsync(store);
        const int Chunk = CheckpointPart.ChunkBytes;
        var bytes = ObjectStoreTests.RandomBytes((2 * Chunk) + 5000);
        var part = await checkpoints.WritePartAsync(7, "state", [bytes.AsMemory(0, 4321), bytes.AsMemory(4321)], None);
        await checkpoints.CommitAsync(Stage.At(7), [part], None);
        var latest = (await checkpoints.FindLatestAsync(None))!;
        Assert.Equal(3, latest.Parts[0].ChunkSha256.Count);

        foreach (var (from, length) in ((int, int)[])[(0, bytes.Length), (Chunk - 10, 20), (5, 100), (Chunk, Chunk), ((2 * Chunk) - 1, 5001), (bytes.Length, 0)])
        {
            var read = new byte[length];
            await checkpoints.ReadAsync(latest, latest.Parts[0], from, read, None);
            Assert.True(bytes.AsSpan(from, length).SequenceEqual(read), $"{from}+{length}");
        }

        bytes[Chunk + 99] ^= 4;
        await store.WriteAsync($"{Stage.Folder(7, 1)}/state", [bytes], None);
        await checkpoints.ReadAsync(latest, latest.Parts[0], 0, new byte[Chunk], None);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => checkpoints.ReadAsync(latest, latest.Parts[0], Chunk - 10, new byte[20], None));
        Assert.Contains($"{store.Address}/{Stage.Folder(7, 1)}/state: chunk 1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task A_part_that_is_missing_or_truncated_sends_back_to_an_older_checkpoint_loudly(string kind)
    {
        var store = stores.OpenEmpty(kind);
        var (checkpoints, _) = await Stage.AcquireAsync(store);
        foreach (var step in (long[])[100, 200, 300])
        {
            await Stage.SaveAsync(checkpoints, step);
        }

        var newest = (await checkpoints.FindLatestAsync(None))!;
        await store.DeleteAsync($"{Stage.Folder(300, 1)}/state-0", None);
        await store.WriteAsync($"{Stage.Folder(200, 1)}/state-1", [new byte[999]], None);

        var (next, latest) = await Stage.AcquireAsync(store);

        Assert.Equal(100, latest!.Position.Step);
        Assert.Collection(
            next.Skipped,
            skipped => Assert.Equal((300L, $"{store.Address}/{Stage.Folder(300, 1)}: part state-0 is missing"), (skipped.Step, skipped.Reason)),
            skipped => Assert.Equal(
                (200L, $"{store.Address}/{Stage.Folder(200, 1)}: part state-1 has 999 bytes, not the 1000 of its manifest"), (skipped.Step, skipped.Reason)));
        // Who reads them all the same is told.
        var missing = await Assert.ThrowsAsync<InvalidInputException>(() => next.ReadAsync(newest, newest.Parts[0], 0, new byte[10], None));
        Assert.Contains($"{Stage.Folder(300, 1)}/state-0: found no such object", missing.Message, StringComparison.Ordinal);
        await store.WriteAsync($"{Stage.Folder(300, 1)}/state-0", [new byte[999]], None);
        var truncated = await Assert.ThrowsAsync<InvalidInputException>(() => next.ReadAsync(newest, newest.Parts[0], 0, new byte[10], None));
        Assert.Contains($"{Stage.Folder(300, 1)}/state-0: chunk 0: found an end at byte 999", truncated.Message, StringComparison.Ordinal);
        // Retention counts whole ones alone, and keeps what only looks newer.
        await next.RetainAsync(new CheckpointSpec { KeepLast = 1 }, None);
        Assert.Equal(["100/1*", "200/1*", "300/1*"], await Stage.FoldersAsync(store));
        await Stage.SaveAsync(next, 350);
        await next.RetainAsync(new CheckpointSpec { KeepLast = 1 }, None);
        Assert.Equal(["350/2*"], await Stage.FoldersAsync(store));
    }

    [Theory]
    [InlineData("\"version\": 1", "\"version\": 2", "version: found 2, expected 1")]
    [InlineData("\"version\": 1", "\"version\": 1, \"surprise\": 1", "surprise")]
    [InlineData("\"version\": 1", "\"version\": 1, \"attempt\": 1", "attempt")]
    [InlineData("\"attempt\": 1", "\"attempt\": 2", "attempt: found 2, expected 1")]
    [InlineData("\"step\": 100", "\"step\": 101", "position.step: found 101, expected 100")]
    [InlineData("\"batch\": 100", "\"batch\": -1", "position: found a negative number")]
    [InlineData("\"batch\": 100,", "", "batch")]
    [InlineData("\"name\": \"state-1\"", "\"name\": \"state-0\"", "parts[1].name")]
    [InlineData("\"name\": \"state-1\"", "\"name\": \"../state-1\"", "parts[1].name")]
    [InlineData("\"name\": \"state-1\"", "\"name\": null", "name")]
    [InlineData("\"bytes\": 1000", "\"bytes\": 100000000", "1 hashes for 100000000 bytes")]
    [InlineData("\"bytes\": 1000", "\"bytes\": -5", "1 hashes for -5 bytes")]
    [InlineData(Stage.Digest, "0000", "stageDigest: found 0000")]
    [InlineData("{", "", "manifest")]
    [InlineData("}", "", "manifest")]
    public async Task A_manifest_that_is_not_understood_to_the_last_member_is_an_error_and_never_passed_over(string what, string with, string expected)
    {
        var store = stores.OpenEmpty("file");
        var (checkpoints, _) = await Stage.AcquireAsync(store);
        await Stage.SaveAsync(checkpoints, 50);
        await Stage.SaveAsync(checkpoints, 100);
        var name = $"{Stage.Folder(100, 1)}/manifest.json";
        var text = Encoding.UTF8.GetString((await store.TryReadAsync(name, 1 << 20, None))!.Bytes);
        var at = text.IndexOf(what, StringComparison.Ordinal);
        await store.WriteAsync(name, [Encoding.UTF8.GetBytes(text[..at] + with + text[(at + what.Length)..])], None);

        var error = await Assert.ThrowsAsync<InvalidInputException>(() => checkpoints.FindLatestAsync(None));

        Assert.StartsWith($"{store.Address}/{name}", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidInputException>(() => checkpoints.RetainAsync(new CheckpointSpec { KeepLast = 1 }, None));
        Assert.Equal(["50/1*", "100/1*"], await Stage.FoldersAsync(store));
        await Assert.ThrowsAsync<InvalidInputException>(() => Stage.AcquireAsync(store));
        // The fence is taken none the less, and the error stays the same.
        await Assert.ThrowsAsync<InvalidInputException>(() => Stage.AcquireAsync(store));
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task The_last_ones_and_every_mth_are_kept_and_the_rubbish_of_others_goes(string kind)
    {
        var store = stores.OpenEmpty(kind);
        var (first, _) = await Stage.AcquireAsync(store);
        foreach (var step in (long[])[100, 200, 300])
        {
            await Stage.SaveAsync(first, step);
        }

        await Stage.WritePartsAsync(first, 250);
        await Stage.WritePartsAsync(first, 400);
        var (second, _) = await Stage.AcquireAsync(store);
        await Stage.SaveAsync(second, 350);
        await Stage.SaveAsync(second, 450);
        await Stage.WritePartsAsync(second, 375);
        await Stage.WritePartsAsync(second, 500);

        await second.RetainAsync(new CheckpointSpec { KeepLast = 2, KeepEverySteps = 200 }, None);

        Assert.Equal(["200/1*", "350/2*", "450/2*", "500/2"], await Stage.FoldersAsync(store));
        Assert.Equal((450, 2), await LatestAsync(second));
        await Stage.CheckAsync(second, (await second.FindLatestAsync(None))!);
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task A_retention_that_is_cut_off_anywhere_leaves_every_manifest_whole_and_the_next_one_finishes_it(string kind)
    {
        for (var deletes = 0; ; deletes++)
        {
            var store = stores.OpenEmpty(kind);
            var (first, _) = await Stage.AcquireAsync(store);
            foreach (var step in (long[])[100, 200, 300])
            {
                await Stage.SaveAsync(first, step);
            }

            var left = deletes;
            var (cut, _) = await Stage.AcquireAsync(new StoreDecorator(store, (operation, _) =>
                operation == "delete" && Interlocked.Decrement(ref left) < 0 ? throw new CutOffException() : Task.CompletedTask));
            var isFinished = false;
            try
            {
                await cut.RetainAsync(new CheckpointSpec { KeepLast = 1 }, None);
                isFinished = true;
            }
            catch (CutOffException)
            {
            }

            var (next, latest) = await Stage.AcquireAsync(store);
            Assert.Empty(next.Skipped);
            await Stage.CheckAsync(next, latest!);
            foreach (var folder in await Stage.FoldersAsync(store))
            {
                Assert.True(!folder.EndsWith('*') || (await ObjectStoreTests.ListAsync(store, Stage.Folder(long.Parse(folder.Split('/')[0]), 1))).Count == 3);
            }

            await next.RetainAsync(new CheckpointSpec { KeepLast = 1 }, None);
            Assert.Equal(["300/1*"], await Stage.FoldersAsync(store));
            if (isFinished)
            {
                Assert.Equal(6, deletes);
                return;
            }
        }
    }

    [Fact]
    public async Task Parts_that_do_not_hold_together_are_not_committed()
    {
        var store = stores.OpenEmpty("file");
        var (checkpoints, _) = await Stage.AcquireAsync(store);
        var part = await checkpoints.WritePartAsync(1, "state", [new byte[10]], None);

        foreach (var wrong in (CheckpointPart[][])[[part, part], [], [part with { Bytes = 1 << 30 }], [part with { ChunkSha256 = ["abc"] }], [part with { Name = "a/b" }]])
        {
            await Assert.ThrowsAsync<InvalidInputException>(() => checkpoints.CommitAsync(Stage.At(1), wrong, None));
        }

        await Assert.ThrowsAsync<ArgumentException>(() => checkpoints.WritePartAsync(1, "manifest.json", [new byte[10]], None));
        Assert.Equal(["1/1"], await Stage.FoldersAsync(store));
        await checkpoints.CommitAsync(Stage.At(1), [part], None);
        // The same again is the same; another of that step is not.
        await checkpoints.CommitAsync(Stage.At(1), [part], None);
        await Assert.ThrowsAsync<StoreException>(() => checkpoints.CommitAsync(Stage.At(1) with { Tokens = 5 }, [part], None));
    }

    private static async Task<(long, long)> LatestAsync(CheckpointStore store) =>
        await store.FindLatestAsync(None) is { } latest ? (latest.Position.Step, latest.Attempt) : default;
}
