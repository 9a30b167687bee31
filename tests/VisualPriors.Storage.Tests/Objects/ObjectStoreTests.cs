using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Tests.Objects;

/// <summary>What every store owes its callers.</summary>
[Collection(StoreFixture.Collection)]
public sealed class ObjectStoreTests(StoreFixture stores)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task What_was_written_in_pieces_is_read_back_whole_and_in_ranges(string kind)
    {
        var store = stores.OpenEmpty(kind);
        // More than two blocks, cut at odd places, with an empty segment and one that is longer than a block.
        var bytes = RandomBytes((17 << 20) + 12345);
        ReadOnlyMemory<byte>[] segments = [bytes.AsMemory(0, 1), default, bytes.AsMemory(1, 10 << 20), bytes.AsMemory(1 + (10 << 20))];

        await store.WriteAsync("a/b/large.bin", segments, None);

        var whole = new byte[bytes.Length];
        await store.ReadRangeAsync("a/b/large.bin", 0, whole, None);
        Assert.True(bytes.AsSpan().SequenceEqual(whole));
        var range = new byte[1 << 20];
        await store.ReadRangeAsync("a/b/large.bin", (8 << 20) - 777, range, None);
        Assert.True(bytes.AsSpan((8 << 20) - 777, range.Length).SequenceEqual(range));
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task An_empty_object_and_a_replaced_one_are_what_was_written_last(string kind)
    {
        var store = stores.OpenEmpty(kind);
        await store.WriteAsync("object", [new byte[20 << 20]], None);
        await store.WriteAsync("object", ["short"u8.ToArray()], None);
        await store.WriteAsync("empty", [], None);

        Assert.Equal("short"u8.ToArray(), (await store.TryReadAsync("object", 100, None))!.Bytes);
        Assert.Empty((await store.TryReadAsync("empty", 100, None))!.Bytes);
        Assert.Equal([("empty", 0L), ("object", 5L)], await ListAsync(store, ""));
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task A_listing_has_the_objects_below_a_prefix_in_the_order_of_their_names(string kind)
    {
        var store = stores.OpenEmpty(kind);
        Assert.Empty(await ListAsync(store, ""));
        foreach (var name in (string[])["b/2", "a-1", "a/x", "b/10", "ba", "b/1/deep"])
        {
            await store.WriteAsync(name, [new byte[name.Length]], None);
        }

        Assert.Equal(["a-1", "a/x", "b/1/deep", "b/10", "b/2", "ba"], (await ListAsync(store, "")).Select(item => item.Name));
        Assert.Equal([("b/1/deep", 8L), ("b/10", 4L)], await ListAsync(store, "b/1"));
        Assert.Equal(["b/1/deep", "b/10", "b/2"], (await ListAsync(store, "b/")).Select(item => item.Name));
        Assert.Empty(await ListAsync(store, "c/"));
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task Of_many_who_create_an_object_one_does(string kind)
    {
        var address = stores.NewAddress(kind);
        var contents = Enumerable.Range(0, 8).Select(i => new byte[] { (byte)i }).ToArray();

        var versions = await Task.WhenAll(contents.Select(content => Task.Run(() => stores.Open(address).TryCreateAsync("fence", content, None))));

        var winner = Assert.Single(Enumerable.Range(0, 8), i => versions[i] is not null);
        var read = (await stores.Open(address).TryReadAsync("fence", 10, None))!;
        Assert.Equal(contents[winner], read.Bytes);
        Assert.Equal(versions[winner], read.Version);
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task Counters_that_are_replaced_by_many_lose_no_count(string kind)
    {
        var address = stores.NewAddress(kind);
        await stores.Open(address).TryCreateAsync("counter", new byte[] { 0 }, None);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var store = stores.Open(address);
            for (var done = 0; done < 10;)
            {
                var current = (await store.TryReadAsync("counter", 10, None))!;
                done += await store.TryReplaceAsync("counter", new[] { (byte)(current.Bytes[0] + 1) }, current.Version, None) is not null ? 1 : 0;
            }
        })));

        Assert.Equal([40], (await stores.Open(address).TryReadAsync("counter", 10, None))!.Bytes);
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task Only_the_version_that_was_read_is_replaced(string kind)
    {
        var store = stores.OpenEmpty(kind);
        Assert.Null(await store.TryReplaceAsync("object", "x"u8.ToArray(), kind == "file" ? new string('0', 64) : "\"0x0\"", None));
        var first = await store.TryCreateAsync("object", "1"u8.ToArray(), None);
        Assert.Null(await store.TryCreateAsync("object", "other"u8.ToArray(), None));

        var second = await store.TryReplaceAsync("object", "2"u8.ToArray(), first!, None);

        Assert.NotNull(second);
        Assert.Null(await store.TryReplaceAsync("object", "3"u8.ToArray(), first!, None));
        Assert.Equal("2"u8.ToArray(), (await store.TryReadAsync("object", 10, None))!.Bytes);
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task What_is_not_there_is_null_or_an_error_that_names_it(string kind)
    {
        var store = stores.OpenEmpty(kind);
        Assert.Null(await store.TryReadAsync("nothing", 10, None));
        await store.DeleteAsync("nothing", None);
        var missing = await Assert.ThrowsAsync<StoreException>(() => store.ReadRangeAsync("nothing", 0, new byte[1], None));
        Assert.Contains($"{store.Address}/nothing: there is no such object", missing.Message, StringComparison.Ordinal);

        await store.WriteAsync("short", [new byte[100]], None);
        var ended = await Assert.ThrowsAsync<StoreException>(() => store.ReadRangeAsync("short", 90, new byte[20], None));
        Assert.Contains("it ends at byte 100, before byte 110", ended.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreException>(() => store.ReadRangeAsync("short", 100, new byte[20], None));
        var larger = await Assert.ThrowsAsync<StoreException>(() => store.TryReadAsync("short", 99, None));
        Assert.Contains("100 bytes, more than the 99", larger.Message, StringComparison.Ordinal);

        await store.DeleteAsync("short", None);
        Assert.Null(await store.TryReadAsync("short", 100, None));
    }

    [Theory]
    [InlineData("file", "../outside")]
    [InlineData("file", "/etc/passwd")]
    [InlineData("file", "a//b")]
    [InlineData("file", ".lock")]
    [InlineData("file", "a/.partial/b")]
    [InlineData("file", "")]
    [InlineData("azblob", "../outside")]
    [InlineData("azblob", "a\\b")]
    [InlineData("azblob", "a?comp=list")]
    public async Task A_name_that_could_leave_or_hide_is_refused(string kind, string name)
    {
        var store = stores.OpenEmpty(kind);
        await Assert.ThrowsAsync<StoreException>(async () => await store.WriteAsync(name, [new byte[1]], None));
        await Assert.ThrowsAsync<StoreException>(async () => await store.TryReadAsync(name, 10, None));
        await Assert.ThrowsAsync<StoreException>(async () => await store.DeleteAsync(name, None));
    }

    internal static async Task<List<(string Name, long Bytes)>> ListAsync(IObjectStore store, string prefix)
    {
        var found = new List<(string, long)>();
        await foreach (var item in store.ListAsync(prefix, None))
        {
            found.Add((item.Name, item.Bytes));
        }

        return found;
    }

    internal static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
