namespace VisualPriors.Storage.Tests;

public sealed class ArtifactLayoutTests
{
    private const int MiB = 1 << 20;

    /// <summary>Sizes of files in the manifest's order, and the indices of those that lie together, object by object.</summary>
    public static TheoryData<long[], string> Layouts => new()
    {
        { [], "" },
        { [0], "0" },
        { [5], "0" },
        { [5, 0, 7], "0 1 2" },
        { [MiB], "0" },
        { [MiB - 1, MiB], "1 | 0" },
        { [3, 5L << 30, 4], "1 | 0 2" },
        { [.. Enumerable.Repeat(MiB - 1L, 16), 16], string.Join(' ', Enumerable.Range(0, 17)) },
        { [.. Enumerable.Repeat(MiB - 1L, 16), 17, 1], string.Join(' ', Enumerable.Range(0, 16)) + " | 16 17" },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Small_files_lie_together_and_large_ones_alone(long[] sizes, string expected)
    {
        var files = sizes.Select((bytes, i) => new ArtifactFile($"{i}", bytes, Hash(i))).ToList();

        var objects = ArtifactLayout.Of(Manifest(files));

        Assert.Equal(expected, string.Join(" | ", objects.Select(item => string.Join(' ', item.Files.Select(file => file.Path)))));
        Assert.All(objects, item => Assert.Equal(item.Files.Sum(file => file.Bytes), item.Bytes));
        Assert.All(objects.Where(item => item.Files.Count == 1), item => Assert.Equal($"files/{item.Files[0].Sha256}", item.Name));
        Assert.Equal(objects.Count, objects.DistinctBy(item => item.Name).Count());
    }

    [Fact]
    public void A_content_lies_there_once()
    {
        var item = Assert.Single(ArtifactLayout.Of(Manifest([new("a", 1, Hash(0)), new("b", 2, Hash(1)), new("c", 1, Hash(0))])));

        Assert.Equal((3, "a b"), (item.Bytes, string.Join(' ', item.Files.Select(file => file.Path))));
    }

    /// <summary>Expected: <c>printf '%064x%064x' 1 2 | sha256sum</c>.</summary>
    [Fact]
    public void A_pack_is_named_by_the_hashes_of_its_files()
    {
        var item = Assert.Single(ArtifactLayout.Of(Manifest([new("a", 1, Hash(1)), new("b", 2, Hash(2))])));

        Assert.Equal("files/b6170e7288df3950cc78e4ad25471433b2175a157f40206e5be1be7bdf5135a9.pack", item.Name);
    }

    private static ArtifactManifest Manifest(IReadOnlyList<ArtifactFile> files) =>
        new() { Version = ArtifactManifest.CurrentVersion, Kind = "captions", Files = files };

    private static string Hash(int content) => content.ToString("x64", null);
}
