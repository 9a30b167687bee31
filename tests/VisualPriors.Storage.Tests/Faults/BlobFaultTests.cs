using System.Diagnostics;
using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using VisualPriors.Storage.Objects;
using VisualPriors.Storage.Tests.Checkpoints;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Storage.Tests.Faults;

/// <summary>Azurite behind a network, and a service, that fail.</summary>
[Collection(StoreFixture.Collection)]
public sealed class BlobFaultTests(StoreFixture stores)
{
    private static readonly CancellationToken None = CancellationToken.None;

    /// <summary>A try that is never answered must not take the whole test's time; this is enough for a block even on a busy machine, and a try more does no harm.</summary>
    private static readonly RetrySettings Impatient = StoreFixture.Quick with { TryTime = TimeSpan.FromSeconds(4) };

    private static readonly Dictionary<string, Func<string, Fault>> Faults = new()
    {
        ["503 three times"] = FaultProxy.FirstTries(3, new Fault.Status(503, "Server Busy")),
        ["429 twice"] = FaultProxy.FirstTries(2, new Fault.Status(429, "Too Many Requests", "0")),
        ["internal error"] = FaultProxy.FirstTries(1, new Fault.Status(500, "Internal Server Error")),
        ["request cut before its body"] = FaultProxy.FirstTries(1, new Fault.CutRequest(0)),
        ["request cut in its body"] = FaultProxy.FirstTries(2, new Fault.CutRequest(100_000)),
        ["answer lost"] = FaultProxy.FirstTries(2, new Fault.CutAnswer(0)),
        ["answer cut in its headers"] = FaultProxy.FirstTries(2, new Fault.CutAnswer(50)),
        // The library goes on by itself five times; more often is our own affair.
        ["answer cut in its body"] = FaultProxy.FirstTries(15, new Fault.CutAnswer(300_000)),
        ["no answer"] = FaultProxy.OneIn(10, new Fault.Hang()),
        ["slow"] = _ => new Fault.Throttle(20 << 20),
    };

    public static TheoryData<string> FaultNames { get; } = [.. Faults.Keys];

    [Theory]
    [MemberData(nameof(FaultNames))]
    public async Task What_fails_for_a_while_is_tried_again_until_all_is_well(string fault)
    {
        await using var proxy = new FaultProxy(stores.Azurite.Port, Faults[fault]);
        var store = stores.Open(stores.NewAddress("azblob"), proxy.Port, Impatient);

        var (checkpoints, none) = await Stage.AcquireAsync(store);
        Assert.Null(none);
        await Stage.SaveAsync(checkpoints, 100, 9 << 20);
        await Stage.SaveAsync(checkpoints, 200, 1000);
        await checkpoints.RetainAsync(new Api.Resources.CheckpointSpec { KeepLast = 2 }, None);
        var (next, latest) = await Stage.AcquireAsync(store);

        Assert.Equal(200, latest!.Position.Step);
        await Stage.CheckAsync(next, latest);
        await store.DeleteAsync($"{Stage.Folder(200, 1)}/manifest.json", None);
        latest = await next.FindLatestAsync(None);
        Assert.Equal(100, latest!.Position.Step);
        await Stage.CheckAsync(next, latest);
    }

    [Fact]
    public async Task A_conditional_write_whose_answer_was_lost_is_known_as_our_own()
    {
        await using var proxy = new FaultProxy(stores.Azurite.Port, FaultProxy.FirstTries(1, new Fault.CutAnswer(0)));
        var address = stores.NewAddress("azblob");
        var store = stores.Open(address, proxy.Port);
        // The container is there: nothing but the write itself is lost.
        await stores.Open(address).WriteAsync("other", [new byte[1]], None);

        var first = await store.TryCreateAsync("fence", "1"u8.ToArray(), None);

        Assert.NotNull(first);
        await using var fresh = new FaultProxy(stores.Azurite.Port, FaultProxy.FirstTries(1, new Fault.CutAnswer(0)));
        var second = await stores.Open(address, fresh.Port).TryReplaceAsync("fence", "2"u8.ToArray(), first, None);
        Assert.NotNull(second);
        Assert.Equal(second, (await stores.Open(address).TryReadAsync("fence", 10, None))!.Version);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_competitor_s_write_between_two_tries_is_not_taken_for_ours(bool isCreated)
    {
        var address = stores.NewAddress("azblob");
        var direct = stores.Open(address);
        var version = isCreated ? null : await direct.TryCreateAsync("fence", "0"u8.ToArray(), None);
        var tries = 0;
        await using var proxy = new FaultProxy(stores.Azurite.Port, line =>
        {
            if (line.StartsWith("PUT", StringComparison.Ordinal) && Interlocked.Increment(ref tries) == 1)
            {
                direct.WriteAsync("fence", ["competitor"u8.ToArray()], None).GetAwaiter().GetResult();
                return new Fault.Status(503, "Server Busy");
            }

            return new Fault.None();
        });
        var store = stores.Open(address, proxy.Port);

        Assert.Null(isCreated ? await store.TryCreateAsync("fence", "1"u8.ToArray(), None) : await store.TryReplaceAsync("fence", "1"u8.ToArray(), version!, None));

        Assert.Equal(2, tries);
        Assert.Equal("competitor"u8.ToArray(), (await direct.TryReadAsync("fence", 100, None))!.Bytes);
    }

    [Fact]
    public async Task The_store_s_own_word_on_when_to_come_back_is_heeded()
    {
        await using var proxy = new FaultProxy(stores.Azurite.Port, FaultProxy.FirstTries(1, new Fault.Status(503, "Server Busy", "2")));
        var watch = Stopwatch.StartNew();
        Assert.Null(await stores.Open(stores.NewAddress("azblob"), proxy.Port).TryReadAsync("nothing", 10, None));
        Assert.True(watch.Elapsed > TimeSpan.FromSeconds(1.9));
    }

    [Theory]
    [InlineData("busy", "the store answered 503")]
    [InlineData("gone", "Connection refused")]
    [InlineData("silent", "it took too long")]
    public async Task What_fails_for_good_is_an_error_in_bounded_time_that_names_the_object_and_no_secret(string how, string expected)
    {
        var proxy = new FaultProxy(stores.Azurite.Port, _ => how == "silent" ? new Fault.Hang() : new Fault.Status(503, "Server Busy"));
        var (port, isGone) = (proxy.Port, how == "gone");
        if (isGone)
        {
            await proxy.DisposeAsync();
        }

        try
        {
            var retry = StoreFixture.Quick with { TryTime = TimeSpan.FromSeconds(how == "silent" ? 0.5 : 30), TotalTime = TimeSpan.FromSeconds(3) };
            var store = stores.Open(stores.NewAddress("azblob"), port, retry);

            var error = await Assert.ThrowsAsync<StoreException>(() => store.WriteAsync("a/part", [new byte[9 << 20]], None).WaitAsync(TimeSpan.FromMinutes(1)));

            Assert.Contains($"{store.Address}/a/part: ", error.Message, StringComparison.Ordinal);
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.Contains("(tried ", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq", error.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            if (!isGone)
            {
                await proxy.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_container_that_is_missing_and_may_not_be_made_is_told_as_that_and_without_the_signature()
    {
        var service = new BlobServiceClient(Azurite.ConnectionString(stores.Azurite.Port));
        var sas = service.GenerateAccountSasUri(AccountSasPermissions.Read | AccountSasPermissions.Write, DateTimeOffset.UtcNow.AddHours(1), AccountSasResourceTypes.Object);
        var connection = $"BlobEndpoint=http://127.0.0.1:{stores.Azurite.Port}/{Azurite.Account};SharedAccessSignature={sas.Query.TrimStart('?')}";
        var store = ObjectStores.Open(
            $"azblob://{Azurite.Account}/never-made/prefix", name => name == ObjectStores.ConnectionStringVariable ? connection : null, StoreFixture.Quick);

        var error = await Assert.ThrowsAsync<StoreException>(() => store.WriteAsync("object", [new byte[1]], None));

        Assert.Contains("the container never-made does not exist and may not be created", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sig=", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_is_not_accepted_is_told_at_once()
    {
        await using var proxy = new FaultProxy(stores.Azurite.Port, _ => new Fault.None());
        var connection = Azurite.ConnectionString(proxy.Port).Replace("Eby8", "AAAA", StringComparison.Ordinal);
        var store = ObjectStores.Open(
            $"azblob://{Azurite.Account}/tests/key", name => name == ObjectStores.ConnectionStringVariable ? connection : null, StoreFixture.Quick);

        var error = await Assert.ThrowsAsync<StoreException>(() => store.TryReadAsync("object", 10, None));

        Assert.Contains("the store answered 403 (AuthorizationFailure)", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, proxy.Requests);
    }
}
