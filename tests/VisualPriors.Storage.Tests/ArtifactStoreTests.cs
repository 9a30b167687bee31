using System.Text.Json.Nodes;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Storage.Tests.Checkpoints;
using VisualPriors.Storage.Tests.Faults;
using VisualPriors.Storage.Tests.Objects;

namespace VisualPriors.Storage.Tests;

[Collection(StoreFixture.Collection)]
public sealed class ArtifactStoreTests(StoreFixture stores) : IDisposable
{
    private const string Stage = "5a6e000000000000000000000000000000000000000000000000000000000000";
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly string _root = Directory.CreateTempSubdirectory("vp-artifact-store-").FullName;
    private int _made;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task What_was_published_is_fetched_with_the_same_digest(string kind)
    {
        var store = stores.OpenEmpty(kind);
        Assert.Null(await ArtifactStore.TryReadManifestAsync(store, None));
        var artifact = Make(Stage, "one");

        var published = await ArtifactUpload.RunAsync(artifact, store, None);
        var read = await ArtifactStore.TryReadManifestAsync(store, None);
        var fetched = await ArtifactDownload.RunAsync(store, Place("fetched"), stored => Assert.Equal(artifact.Digest, stored.Digest), None);

        Assert.Equal((false, artifact.Manifest.Files.DistinctBy(file => file.Sha256).Sum(file => file.Bytes)), (published.WasThere, published.UploadedBytes));
        Assert.Equal((artifact.Digest, Stage), (read!.Digest, read.Manifest.StageDigest));
        Assert.Equal(artifact.Digest, fetched.Digest);
        fetched.Verify(None);
        Assert.Equal(Contents(artifact.Directory), Contents(fetched.Directory));
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task Of_many_attempts_that_publish_one_stage_at_once_one_is_first_and_the_others_find_it(string kind)
    {
        var address = stores.NewAddress(kind);
        var attempts = Enumerable.Range(0, 5).Select(i => Make(Stage, $"attempt {i}")).ToList();

        var published = await Task.WhenAll(attempts.Select(artifact => Task.Run(() => ArtifactUpload.RunAsync(artifact, stores.Open(address), None))));

        var winner = attempts[Assert.Single(Enumerable.Range(0, 5), i => !published[i].WasThere)];
        Assert.All(published, one => Assert.Equal(winner.Digest, one.Stored.Digest));
        var fetched = await ArtifactDownload.RunAsync(stores.Open(address), Place("fetched"), _ => { }, None);
        Assert.Equal(Contents(winner.Directory), Contents(fetched.Directory));
    }

    [Fact]
    public async Task What_comes_second_leaves_nothing_and_sends_nothing_that_is_there()
    {
        var store = stores.OpenEmpty("file");
        var first = Make(Stage, "one");
        await ArtifactUpload.RunAsync(first, store, None);

        // The second looked before the first was done.
        var isFirstLook = true;
        var late = new StoreDecorator(store, (_, _) => Task.CompletedTask)
        {
            BeforeRead = name => name == ArtifactManifest.FileName && isFirstLook && !(isFirstLook = false) ? null : name,
        };
        var second = await ArtifactUpload.RunAsync(Make(Stage, "two"), late, None);

        Assert.Equal((true, first.Digest, 3L), (second.WasThere, second.Stored.Digest, second.UploadedBytes));
        Assert.Equal(
            ArtifactLayout.Of(first.Manifest).Select(item => item.Name).Append(ArtifactManifest.FileName).Order(StringComparer.Ordinal),
            (await ObjectStoreTests.ListAsync(store, "")).Select(item => item.Name).Order(StringComparer.Ordinal));
        Assert.Equal(0, (await ArtifactUpload.RunAsync(Make(Stage, "three"), store, None)).UploadedBytes);
    }

    [Fact]
    public async Task Prepared_data_is_never_replaced_by_other_data_of_its_name()
    {
        var store = stores.OpenEmpty("file");
        var first = Make(null, "one");
        await ArtifactUpload.RunAsync(first, store, None);

        var error = Assert.Single((await Assert.ThrowsAsync<InvalidInputException>(() => ArtifactUpload.RunAsync(Make(null, "two"), store, None))).Errors);

        Assert.Equal((store.Address, $"captions with digest {first.Digest}"), (error.File, error.Found));
        Assert.True((await ArtifactUpload.RunAsync(Make(null, "one"), store, None)).WasThere);
        await Assert.ThrowsAsync<InvalidInputException>(() => ArtifactUpload.RunAsync(Make(Stage, "one"), store, None));
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task A_publisher_cut_off_at_any_point_leaves_nothing_that_passes_for_an_artifact(string kind)
    {
        var artifact = Make(Stage, "one");
        var changes = ArtifactLayout.Of(artifact.Manifest).Count + 1;
        for (var cut = 0; cut < changes; cut++)
        {
            var store = stores.OpenEmpty(kind);
            var left = cut;
            var cutOff = new StoreDecorator(store, (_, _) => Interlocked.Decrement(ref left) < 0 ? throw new CutOffException() : Task.CompletedTask);
            await Assert.ThrowsAsync<CutOffException>(() => ArtifactUpload.RunAsync(artifact, cutOff, None));

            Assert.Null(await ArtifactStore.TryReadManifestAsync(store, None));
            Assert.False((await ArtifactUpload.RunAsync(artifact, store, None)).WasThere);
            (await ArtifactDownload.RunAsync(store, Place($"fetched-{cut}"), _ => { }, None)).Verify(None);
        }
    }

    [Fact]
    public async Task A_file_that_has_changed_since_it_was_committed_is_not_published()
    {
        var store = stores.OpenEmpty("file");
        var artifact = Make(Stage, "one");
        File.WriteAllText(artifact.PathOf("a.txt"), "ane");

        var error = Assert.Single((await Assert.ThrowsAsync<InvalidInputException>(() => ArtifactUpload.RunAsync(artifact, store, None))).Errors);

        Assert.Equal(artifact.PathOf("a.txt"), error.File);
        Assert.Null(await ArtifactStore.TryReadManifestAsync(store, None));
    }

    [Theory]
    [InlineData("503 and 429")]
    [InlineData("cut requests")]
    [InlineData("cut answers")]
    [InlineData("lost answers")]
    public async Task Publishing_and_fetching_outlive_a_network_that_fails_at_random(string faults)
    {
        var random = new Random(faults.Length);
        await using var proxy = new FaultProxy(stores.Azurite.Port, _ =>
        {
            lock (random)
            {
                return random.Next(4) > 0 ? new Fault.None() : faults switch
                {
                    "503 and 429" => random.Next(2) == 0 ? new Fault.Status(503, "Server Busy") : new Fault.Status(429, "Too Many Requests", "0"),
                    "cut requests" => new Fault.CutRequest(random.Next(1 << 20)),
                    "cut answers" => new Fault.CutAnswer(random.Next(1 << 20)),
                    _ => new Fault.CutAnswer(0),
                };
            }
        });
        var store = stores.Open(stores.NewAddress("azblob"), proxy.Port);
        var artifact = Make(Stage, "one");

        // Our own manifest, whose answer was lost, is no other attempt's.
        Assert.Equal(artifact.Digest, (await ArtifactUpload.RunAsync(artifact, store, None)).Stored.Digest);
        (await ArtifactDownload.RunAsync(store, Place("fetched"), _ => { }, None)).Verify(None);
    }

    [Fact]
    public async Task A_folder_that_holds_the_artifact_is_left_unless_it_is_damaged()
    {
        var store = stores.OpenEmpty("file");
        await ArtifactUpload.RunAsync(Make(Stage, "one"), store, None);
        var fetched = await ArtifactDownload.RunAsync(store, Place("fetched"), _ => { }, None);
        File.SetLastWriteTimeUtc(fetched.PathOf("a.txt"), DateTime.UnixEpoch);

        await ArtifactDownload.RunAsync(store, Place("fetched"), _ => { }, None);
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(fetched.PathOf("a.txt")));

        File.WriteAllText(fetched.PathOf("a.txt"), "ane");
        await ArtifactDownload.RunAsync(store, Place("fetched"), _ => { }, None);
        Assert.Equal("one", File.ReadAllText(fetched.PathOf("a.txt")));
    }

    [Fact]
    public async Task What_is_not_wanted_is_not_fetched()
    {
        var store = stores.OpenEmpty("file");
        await ArtifactUpload.RunAsync(Make(Stage, "one"), store, None);

        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            ArtifactDownload.RunAsync(store, Place("fetched"), _ => throw new InvalidOperationException(), None));

        Assert.False(Path.Exists(Place("fetched")));
    }

    [Fact]
    public async Task Where_no_artifact_lies_the_address_is_named()
    {
        var store = stores.OpenEmpty("file");

        var error = Assert.Single((await Assert.ThrowsAsync<InvalidInputException>(() => ArtifactDownload.RunAsync(store, Place("x"), _ => { }, None))).Errors);

        Assert.Equal((store.Address, "no artifact (no artifact.json)"), (error.File, error.Found));
    }

    [Theory]
    [InlineData("missing", "no such object")]
    [InlineData("truncated", "12582911 bytes")]
    [InlineData("flipped", "SHA-256 ")]
    public async Task A_damaged_file_is_named_and_leaves_what_was_there_before(string damage, string found)
    {
        var address = stores.NewAddress("file");
        var artifact = Make(Stage, "one");
        await ArtifactUpload.RunAsync(artifact, stores.Open(address), None);
        var earlier = Make(Stage, "earlier");
        var place = Place("place");
        Directory.Move(earlier.Directory, place);
        var large = artifact.Manifest.Files.Single(file => file.Path == "folder/large.bin");
        var path = Path.Combine(StoreFixture.FolderOf(address), "files", large.Sha256);
        switch (damage)
        {
            case "missing":
                File.Delete(path);
                break;
            case "truncated":
                File.WriteAllBytes(path, File.ReadAllBytes(path)[..^1]);
                break;
            default:
                var bytes = File.ReadAllBytes(path);
                bytes[9 << 20] ^= 1;
                File.WriteAllBytes(path, bytes);
                break;
        }

        var error = Assert.Single((await Assert.ThrowsAsync<InvalidInputException>(() =>
            ArtifactDownload.RunAsync(stores.Open(address), place, _ => { }, None))).Errors);

        Assert.EndsWith(large.Sha256, error.File, StringComparison.Ordinal);
        Assert.StartsWith(found, error.Found, StringComparison.Ordinal);
        Assert.Equal("earlier", File.ReadAllText(Path.Combine(place, "a.txt")));
        Assert.Equal(["place"], Directory.GetFileSystemEntries(_root, "place*").Select(Path.GetFileName));
    }

    [Theory]
    [MemberData(nameof(StoreFixture.Kinds), MemberType = typeof(StoreFixture))]
    public async Task Many_small_files_travel_in_few_objects(string kind)
    {
        var store = stores.OpenEmpty(kind);
        var artifact = MakeOfSmallFiles(count: 3000, bytes: 9000);

        await ArtifactUpload.RunAsync(artifact, store, None);
        var fetched = await ArtifactDownload.RunAsync(store, Place("fetched"), _ => { }, None);

        Assert.Equal(3, (await ObjectStoreTests.ListAsync(store, "")).Count);
        fetched.Verify(None);
        Assert.Equal(Contents(artifact.Directory), Contents(fetched.Directory));
    }

    [Fact]
    public async Task A_damaged_file_among_many_is_named()
    {
        var address = stores.NewAddress("file");
        var artifact = MakeOfSmallFiles(count: 3, bytes: 100);
        await ArtifactUpload.RunAsync(artifact, stores.Open(address), None);
        var pack = Assert.Single(Directory.GetFiles(Path.Combine(StoreFixture.FolderOf(address), "files")));
        var bytes = File.ReadAllBytes(pack);
        bytes[150] ^= 1;
        File.WriteAllBytes(pack, bytes);

        var error = Assert.Single((await Assert.ThrowsAsync<InvalidInputException>(() =>
            ArtifactDownload.RunAsync(stores.Open(address), Place("fetched"), _ => { }, None))).Errors);

        Assert.EndsWith(Path.GetFileName(pack), error.File, StringComparison.Ordinal);
        Assert.Equal(artifact.Manifest.Files[1].Path, error.Field);
        Assert.Empty(Directory.GetFileSystemEntries(_root, "fetched*"));
    }

    [Fact]
    public async Task A_fetch_that_is_stopped_leaves_nothing()
    {
        var store = stores.OpenEmpty("azblob");
        await ArtifactUpload.RunAsync(Make(Stage, "one"), store, None);
        using var stop = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ArtifactDownload.RunAsync(store, Place("fetched"), _ => stop.Cancel(), stop.Token));

        Assert.Empty(Directory.GetFileSystemEntries(_root, "fetched*"));
    }

    [Theory]
    [InlineData("path", "../outside")]
    [InlineData("path", "/etc/hostname")]
    [InlineData("path", "artifact.json")]
    [InlineData("path", "folder")]
    [InlineData("path", "folder/large.bin")]
    [InlineData("sha256", "../../../../../../../../../../../../../../../../../../../../etc/pass")]
    [InlineData("sha256", "5A6E000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("bytes", -1)]
    [InlineData("bytes", 1L << 60)]
    [InlineData("bytes", 4)]
    public async Task A_manifest_that_lies_is_refused_before_anything_is_written(string member, object value)
    {
        var address = stores.NewAddress("file");
        await ArtifactUpload.RunAsync(Make(Stage, "one"), stores.Open(address), None);
        var path = Path.Combine(StoreFixture.FolderOf(address), ArtifactManifest.FileName);
        var manifest = JsonNode.Parse(File.ReadAllBytes(path))!;
        manifest["files"]![0]![member] = value is string text ? JsonValue.Create(text) : JsonValue.Create(Convert.ToInt64(value, null));
        File.WriteAllText(path, manifest.ToJsonString());

        await Assert.ThrowsAsync<InvalidInputException>(() => ArtifactDownload.RunAsync(stores.Open(address), Place("fetched"), _ => { }, None));

        Assert.Empty(Directory.GetFileSystemEntries(_root, "fetched*"));
    }

    private static Dictionary<string, string> Contents(string directory) =>
        Directory.GetFiles(directory, "*", SearchOption.AllDirectories)
            .ToDictionary(path => Path.GetRelativePath(directory, path), path => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path))));

    private string Place(string name) => Path.Combine(_root, name);

    /// <summary>Files without a common content.</summary>
    private Artifact MakeOfSmallFiles(int count, int bytes)
    {
        using var writer = new ArtifactWriter(Place($"made-{Interlocked.Increment(ref _made)}"));
        var content = ObjectStoreTests.RandomBytes(bytes);
        for (var i = 0; i < count; i++)
        {
            BitConverter.TryWriteBytes(content, i);
            File.WriteAllBytes(writer.PathOf($"{i % 10}/{i:D5}.jpg"), content);
        }

        return writer.Commit("captions");
    }

    /// <summary>An empty file, one of two blocks that comes twice, and one that tells which it is.</summary>
    private Artifact Make(string? stage, string content)
    {
        using var writer = new ArtifactWriter(Place($"made-{Interlocked.Increment(ref _made)}"));
        File.WriteAllText(writer.PathOf("a.txt"), content);
        File.WriteAllBytes(writer.PathOf("folder/large.bin"), ObjectStoreTests.RandomBytes(12 << 20));
        File.WriteAllBytes(writer.PathOf("same.bin"), ObjectStoreTests.RandomBytes(12 << 20));
        File.WriteAllBytes(writer.PathOf("deep/er/empty"), []);
        var outcome = stage is null ? null : new StageOutcome { Result = StageResult.Succeeded, Message = content, Seconds = 1 };
        return writer.Commit("captions", stage, outcome);
    }
}
