using System.Diagnostics;
using VisualPriors.Api.Errors;

namespace VisualPriors.Storage.Tests;

public sealed class ArtifactWriterTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("vp-storage-").FullName;

    private string Place => Path.Combine(_root, "artifact");

    private string[] Entries => [.. Directory.GetFileSystemEntries(_root).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Nothing_appears_before_the_commit_and_nothing_stays_without_one()
    {
        using (var writer = new ArtifactWriter(Place))
        {
            File.WriteAllText(writer.PathOf("a.txt"), "half");
            Assert.False(Directory.Exists(Place));
        }

        Assert.Empty(Entries);
    }

    [Fact]
    public void An_older_artifact_stays_until_the_commit_and_is_replaced_by_it()
    {
        Write("old");
        using (var writer = new ArtifactWriter(Place))
        {
            File.WriteAllText(writer.PathOf("b.txt"), "new");
            Assert.Equal("old", File.ReadAllText(Path.Combine(Place, "a.txt")));
            writer.Commit("captions");
        }

        Assert.Equal(["artifact"], Entries);
        Assert.Equal(["b.txt"], Artifact.Open(Place).Manifest.Files.Select(file => file.Path));
    }

    [Fact]
    public void A_second_writer_is_kept_away_until_the_first_is_done()
    {
        using (var first = new ArtifactWriter(Place))
        {
            File.WriteAllText(first.PathOf("a.txt"), "first");
            Assert.Contains("one writer", Assert.Throws<InvalidInputException>(() => new ArtifactWriter(Place)).Message, StringComparison.Ordinal);
            ArtifactWriter.RemoveAbandoned(_root);
            Assert.True(File.Exists(first.PathOf("a.txt")));
        }

        Write("second");
        Assert.Equal(["artifact"], Entries);
    }

    /// <summary>Where a writer can be killed, by what it leaves: while writing, between the two renames, before the old one is gone.</summary>
    [Theory]
    [InlineData(false, true, false, null)]
    [InlineData(true, true, false, "old")]
    [InlineData(false, true, true, "replaced")]
    [InlineData(true, false, true, "old")]
    public void What_a_killed_writer_left_is_brought_in_order(bool isFinalThere, bool isStagingThere, bool isReplacedThere, string? expected)
    {
        if (isReplacedThere)
        {
            Write("replaced");
            Directory.Move(Place, Place + ".replaced");
        }

        if (isFinalThere)
        {
            Write("old");
        }

        if (isStagingThere)
        {
            Directory.CreateDirectory(Place + ".partial");
            File.WriteAllText(Place + ".partial/a.txt", "half");
        }

        File.WriteAllText(Place + ".lock", "");

        ArtifactWriter.RemoveAbandoned(_root);

        Assert.Equal(expected is null ? [] : ["artifact"], Entries);
        if (expected is not null)
        {
            Assert.Equal(expected, File.ReadAllText(Artifact.Open(Place).PathOf("a.txt")));
        }
    }

    [Fact]
    public async Task A_lock_ends_with_its_process()
    {
        // The lock is flock(2)'s, which util-linux's command of that name takes too. One process throughout: a forked one would inherit
        // the lock and might outlive its parent for a moment.
        string[] hold = ["--no-fork", Place + ".lock", "sh", "-c", "echo locked; exec sleep 60"];
        using var holder = Process.Start(new ProcessStartInfo("flock", hold) { RedirectStandardOutput = true })!;
        Assert.Equal("locked", await holder.StandardOutput.ReadLineAsync());
        Assert.Throws<InvalidInputException>(() => new ArtifactWriter(Place));

        holder.Kill();
        await holder.WaitForExitAsync();

        Write("new");
        Assert.Equal(["artifact"], Entries);
    }

    [Fact]
    public void Somebodys_folder_is_not_replaced()
    {
        Directory.CreateDirectory(Place);
        File.WriteAllText(Path.Combine(Place, "thesis.txt"), "precious");

        Assert.Contains("no artifact", Assert.Throws<InvalidInputException>(() => new ArtifactWriter(Place)).Message, StringComparison.Ordinal);

        Assert.Equal("precious", File.ReadAllText(Path.Combine(Place, "thesis.txt")));
        Assert.Equal(["artifact"], Entries);
    }

    [Fact]
    public void A_link_among_the_files_is_refused_as_itself()
    {
        using var writer = new ArtifactWriter(Place);
        File.CreateSymbolicLink(writer.PathOf("a.txt"), "/etc/hostname");

        Assert.Contains("symbolic link", Assert.Throws<IOException>(() => writer.Commit("captions")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_told_as_itself()
    {
        using var writer = new ArtifactWriter(Place);
        using var held = new FileStream(writer.PathOf("a.txt"), FileMode.Create, FileAccess.Write, FileShare.None);

        Assert.Throws<IOException>(() => writer.Commit("captions"));
    }

    private void Write(string content)
    {
        using var writer = new ArtifactWriter(Place);
        File.WriteAllText(writer.PathOf("a.txt"), content);
        writer.Commit("captions");
    }
}
