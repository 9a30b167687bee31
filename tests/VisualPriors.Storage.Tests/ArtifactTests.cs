using System.Text.Json.Nodes;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;

namespace VisualPriors.Storage.Tests;

public sealed class ArtifactTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("vp-storage-").FullName;

    private string Place => Path.Combine(_root, "artifact");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void What_was_written_is_read_again()
    {
        var outcome = new StageOutcome
        {
            Result = StageResult.Succeeded,
            Message = "done",
            Seconds = 1.5,
            Results = new Dictionary<string, double> { ["loss"] = double.NaN },
        };
        var written = Write(outcome);

        var read = Artifact.Open(Place, "drawings", "captions");

        read.Verify(default);
        Assert.Equal(written.Digest, read.Digest);
        Assert.Equal(["a.txt", "folder/b.txt"], read.Manifest.Files.Select(file => file.Path));
        Assert.Equal((StageResult.Succeeded, double.NaN), (read.Manifest.Outcome!.Result, read.Manifest.Outcome.Results!["loss"]));
        Assert.Equal("stage", read.Manifest.StageDigest);
        Assert.Equal(["artifact"], Directory.GetFileSystemEntries(_root).Select(Path.GetFileName));
    }

    [Fact]
    public void The_digest_is_of_the_content()
    {
        var first = Write().Digest;
        Assert.Equal(first, Write().Digest);
        Assert.NotEqual(first, Write(content: "other").Digest);
    }

    [Fact]
    public void Another_kind_is_refused() => Assert.Equal(("kind", "captions", "pretrain or sft"), Refusal(() =>
    {
        Write();
        Artifact.Open(Place, "pretrain", "sft");
    }));

    [Fact]
    public void A_folder_without_manifest_is_no_artifact()
    {
        Assert.False(Artifact.Exists(Place));
        Assert.Contains("no artifact", Refusal(() => Artifact.Open(Place)).Found, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_file_is_found_without_reading_it()
    {
        Write();
        File.WriteAllText(Path.Combine(Place, "folder", "b.txt"), "hal");

        Assert.Equal((null, "3 bytes", "4 bytes, as artifact.json says"), Refusal(() => Artifact.Open(Place)));
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        Write();
        File.Delete(Path.Combine(Place, "folder", "b.txt"));

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => Artifact.Open(Place)).Errors);

        Assert.Equal((Path.Combine(Place, "folder/b.txt"), "no such file"), (error.File, error.Found));
    }

    [Fact]
    public void Every_flipped_byte_is_found_by_reading()
    {
        Write();
        File.WriteAllText(Path.Combine(Place, "a.txt"), "evil");
        File.WriteAllText(Path.Combine(Place, "folder", "b.txt"), "evil");
        var artifact = Artifact.Open(Place);

        var errors = Assert.Throws<InvalidInputException>(() => artifact.Verify(default)).Errors;

        Assert.Equal(["a.txt", "b.txt"], errors.Select(error => Path.GetFileName(error.File)));
    }

    [Fact]
    public void Verification_stops_on_request() =>
        Assert.ThrowsAny<OperationCanceledException>(() => Write().Verify(new CancellationToken(canceled: true)));

    [Theory]
    [InlineData("../outside.txt")]
    [InlineData("/etc/hostname")]
    [InlineData("folder/../../outside.txt")]
    [InlineData("folder\\..\\outside.txt")]
    [InlineData("./a.txt")]
    [InlineData("folder//b.txt")]
    [InlineData("")]
    [InlineData("folder/b.txt")]
    public void A_path_that_leaves_the_artifact_or_comes_twice_is_refused(string path)
    {
        File.WriteAllText(Path.Combine(_root, "outside.txt"), "four");
        Tamper(manifest => manifest["files"]![0]!["path"] = path);

        Assert.Contains($"'{path}'", Refusal(() => Artifact.Open(Place)).Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_link_out_of_the_artifact_is_refused(bool isFolder)
    {
        Write();
        var outside = Directory.CreateDirectory(Path.Combine(_root, "outside")).FullName;
        File.WriteAllText(Path.Combine(outside, "b.txt"), "four");
        Directory.Delete(Path.Combine(Place, "folder"), recursive: true);
        if (isFolder)
        {
            Directory.CreateSymbolicLink(Path.Combine(Place, "folder"), outside);
        }
        else
        {
            Directory.CreateDirectory(Path.Combine(Place, "folder"));
            File.CreateSymbolicLink(Path.Combine(Place, "folder", "b.txt"), Path.Combine(outside, "b.txt"));
        }

        Assert.Equal("a symbolic link", Refusal(() => Artifact.Open(Place)).Found);
    }

    [Fact]
    public void Another_version_is_refused()
    {
        Tamper(manifest => manifest["version"] = 2);

        Assert.Equal(("version", "2", "1"), Refusal(() => Artifact.Open(Place)));
    }

    [Theory]
    [InlineData("files")]
    [InlineData("kind")]
    public void A_manifest_that_lacks_a_part_is_refused(string member)
    {
        Tamper(manifest => manifest[member] = null);
        Assert.Contains(member, Refusal(() => Artifact.Open(Place)).Found, StringComparison.OrdinalIgnoreCase);

        Tamper(manifest => manifest.Remove(member));
        Assert.Contains(member, Refusal(() => Artifact.Open(Place)).Found, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_file_entry_that_lacks_a_part_is_refused()
    {
        Tamper(manifest => manifest["files"]![0]!.AsObject().Remove("path"));

        Assert.Contains("path", Refusal(() => Artifact.Open(Place)).Found, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_manifest_that_is_no_json_is_refused_with_its_line()
    {
        Write();
        File.WriteAllText(Path.Combine(Place, "artifact.json"), "{\n\n  oops");

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => Artifact.Open(Place)).Errors);

        Assert.Equal(3, error.Line);
    }

    private static (string? Field, string Found, string Expected) Refusal(Action action)
    {
        var error = Assert.Single(Assert.Throws<InvalidInputException>(action).Errors);
        return (error.Field, error.Found, error.Expected);
    }

    private void Tamper(Action<JsonObject> change)
    {
        Write();
        var path = Path.Combine(Place, "artifact.json");
        var manifest = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
        change(manifest);
        File.WriteAllText(path, manifest.ToJsonString());
    }

    private Artifact Write(StageOutcome? outcome = null, string content = "good")
    {
        using var writer = new ArtifactWriter(Place);
        File.WriteAllText(writer.PathOf("a.txt"), content);
        File.WriteAllText(writer.PathOf("folder/b.txt"), "half");
        return writer.Commit("captions", "stage", outcome);
    }
}
