using System.Diagnostics;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Tests.Objects;

/// <summary>What a folder has besides: links, leftovers, locks.</summary>
public sealed class FileStoreTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly string _root = Directory.CreateTempSubdirectory("vp-files-").FullName;

    private string Folder => Path.Combine(_root, "store");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Links_are_refused_wherever_they_lie()
    {
        var outside = Path.Combine(_root, "outside");
        Directory.CreateDirectory(outside);
        await File.WriteAllTextAsync(Path.Combine(outside, "secret"), "secret");
        Directory.CreateDirectory(Folder);
        File.CreateSymbolicLink(Path.Combine(Folder, "file"), Path.Combine(outside, "secret"));
        Directory.CreateSymbolicLink(Path.Combine(Folder, "folder"), outside);
        var store = Open();

        foreach (var name in (string[])["file", "folder/secret"])
        {
            await RefusedAsync(() => store.TryReadAsync(name, 100, None));
            await RefusedAsync(() => store.ReadRangeAsync(name, 0, new byte[1], None));
            await RefusedAsync(() => store.WriteAsync(name, [new byte[1]], None));
            await RefusedAsync(() => store.DeleteAsync(name, None));
        }

        await RefusedAsync(() => ObjectStoreTests.ListAsync(store, ""));
        Assert.Equal("secret", await File.ReadAllTextAsync(Path.Combine(outside, "secret")));

        static async Task RefusedAsync(Func<Task> act) =>
            Assert.Contains("symbolic link", (await Assert.ThrowsAsync<StoreException>(act)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_killed_writer_left_is_not_listed_and_the_next_writer_removes_it_but_no_living_one_s()
    {
        await Open().WriteAsync("object", [new byte[1]], None);
        var (dead, living) = (Path.Combine(Folder, ".partial", "dead"), Path.Combine(Folder, ".partial", "living"));
        await File.WriteAllTextAsync(dead, "half");
        await File.WriteAllTextAsync(living, "half");
        using var holder = Process.Start(new ProcessStartInfo("flock", ["--no-fork", living, "sh", "-c", "echo locked; exec sleep 60"]) { RedirectStandardOutput = true })!;
        try
        {
            Assert.Equal("locked", await holder.StandardOutput.ReadLineAsync());
            Assert.Equal([("object", 1L)], await ObjectStoreTests.ListAsync(Open(), ""));
            Assert.True(File.Exists(dead));

            await Open().WriteAsync("object", [new byte[2]], None);

            Assert.Equal([living], Directory.GetFileSystemEntries(Path.Combine(Folder, ".partial")));
        }
        finally
        {
            holder.Kill();
            await holder.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Nothing_but_objects_stays_and_empty_folders_go()
    {
        var store = Open();
        await store.WriteAsync("a/b/object", [new byte[1]], None);
        var version = await store.TryCreateAsync("a/fence", new byte[1], None);
        await store.TryReplaceAsync("a/fence", new byte[2], version!, None);
        await store.TryReplaceAsync("a/fence", new byte[3], version!, None);
        await store.TryCreateAsync("a/fence", new byte[4], None);

        await store.DeleteAsync("a/b/object", None);

        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(Folder, ".partial")));
        Assert.Equal([Path.Combine(Folder, "a", "fence")], Directory.GetFileSystemEntries(Path.Combine(Folder, "a")));
    }

    [Fact]
    public async Task A_stopped_write_leaves_nothing()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Open().WriteAsync("object", [new byte[1 << 20]], stop.Token));
        Assert.Empty(Directory.GetFiles(Folder, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Writers_who_make_and_empty_the_same_folder_do_not_disturb_each_other() =>
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            var store = Open();
            for (var round = 0; round < 100; round++)
            {
                await store.WriteAsync($"a/b/{i}", [new byte[8]], None);
                await store.DeleteAsync($"a/b/{i}", None);
            }
        })));

    private IObjectStore Open() => ObjectStores.Open($"file://{Folder}");
}
