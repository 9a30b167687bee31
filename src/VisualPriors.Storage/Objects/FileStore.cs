using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace VisualPriors.Storage.Objects;

/// <summary>
/// Objects as files below a folder. Every object is first written whole to <c>.partial</c> in that folder, made durable, and then gets its
/// name by one rename or link. Conditional writes are atomic among each other, in all processes of all machines whose file system shares locks.
/// </summary>
/// <param name="address">The folder's address, for messages.</param>
/// <param name="root">The folder; made when something is written.</param>
internal sealed class FileStore(string address, string root) : IObjectStore
{
    private const string PartialFolder = ".partial";
    private const string LockFile = ".lock";
    private const int PieceBytes = 16 << 20;

    /// <summary>Pieces on their way to the page cache at a time: one core's copying alone is slower than a good disk.</summary>
    private const int PiecesInFlight = 2;

    /// <summary>How often to begin again where another process clears up or removes empty folders at the same moment.</summary>
    private const int RaceTries = 20;

    private static readonly TimeSpan LockTime = TimeSpan.FromMinutes(1);
    private int _isClearedUp;

    /// <inheritdoc/>
    public string Address => address;

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredObject> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = await GuardAsync("list", prefix, () => Task.Run(() => List(prefix, cancellationToken), cancellationToken)).ConfigureAwait(false);
        foreach (var item in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return item;
        }
    }

    /// <inheritdoc/>
    public Task<VersionedContent?> TryReadAsync(string name, int maximumBytes, CancellationToken cancellationToken) =>
        GuardAsync("read", name, () => TryReadFileAsync(PathOf(name), name, maximumBytes, cancellationToken));

    /// <inheritdoc/>
    public Task ReadRangeAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) => GuardAsync("read", name, async () =>
    {
        using var file = Interop.LibC.TryOpenRead(PathOf(name)) ?? throw new StoreException($"read of {Describe(name)}: there is no such object");
        for (var done = 0; done < destination.Length;)
        {
            var read = await RandomAccess.ReadAsync(file, destination[done..], offset + done, cancellationToken).ConfigureAwait(false);
            done += read > 0
                ? read
                : throw new StoreException($"read of {Describe(name)}: it ends at byte {offset + done}, before byte {offset + destination.Length}");
        }

        return true;
    });

    /// <inheritdoc/>
    public Task WriteAsync(string name, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) => GuardAsync("write", name, async () =>
    {
        var path = PathOf(name);
        using var partial = await WritePartialAsync(new ContentSegments(content), cancellationToken).ConfigureAwait(false);
        await Task.Run(() => Publish(path, () => File.Move(partial.Path, path, overwrite: true)), cancellationToken).ConfigureAwait(false);
        return true;
    });

    /// <inheritdoc/>
    public Task<string?> TryCreateAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => GuardAsync("create", name, async () =>
    {
        var path = PathOf(name);
        using var partial = await WritePartialAsync(new ContentSegments([content]), cancellationToken).ConfigureAwait(false);
        var isCreated = false;
        await Task.Run(() => Publish(path, () => isCreated = Interop.LibC.TryLink(partial.Path, path)), cancellationToken).ConfigureAwait(false);
        return isCreated ? VersionOf(content.Span) : null;
    });

    /// <inheritdoc/>
    public Task<string?> TryReplaceAsync(string name, ReadOnlyMemory<byte> content, string version, CancellationToken cancellationToken) =>
        GuardAsync("replace", name, async () =>
        {
            var path = PathOf(name);
            if (!File.Exists(path))
            {
                return null;
            }

            using var partial = await WritePartialAsync(new ContentSegments([content]), cancellationToken).ConfigureAwait(false);
            using var held = await LockAsync(cancellationToken).ConfigureAwait(false);
            var current = await TryReadFileAsync(path, name, int.MaxValue, cancellationToken).ConfigureAwait(false);
            if (current?.Version != version)
            {
                return null;
            }

            await Task.Run(() => Publish(path, () => File.Move(partial.Path, path, overwrite: true)), cancellationToken).ConfigureAwait(false);
            return VersionOf(content.Span);
        });

    /// <inheritdoc/>
    public Task DeleteAsync(string name, CancellationToken cancellationToken) => GuardAsync("delete", name, () => Task.Run(
        () =>
        {
            var path = PathOf(name);
            var folder = Path.GetDirectoryName(path)!;
            try
            {
                File.Delete(path);
                Interop.LibC.FlushDirectory(folder);
            }
            catch (IOException e) when (Interop.LibC.IsNoEntry(e))
            {
                // The folder is gone, and all in it: never there, or removed by another process that deleted its last object.
            }

            RemoveIfEmpty(folder);
            return true;
        },
        cancellationToken));

    private static string VersionOf(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private async Task<VersionedContent?> TryReadFileAsync(string path, string name, int maximumBytes, CancellationToken cancellationToken)
    {
        using var file = Interop.LibC.TryOpenRead(path);
        if (file is null)
        {
            return null;
        }

        var length = RandomAccess.GetLength(file);
        if (length > maximumBytes)
        {
            throw new StoreException($"read of {Describe(name)}: {length} bytes, more than the {maximumBytes} expected at most");
        }

        var bytes = new byte[length];
        for (var done = 0; done < bytes.Length;)
        {
            var read = await RandomAccess.ReadAsync(file, bytes.AsMemory(done), done, cancellationToken).ConfigureAwait(false);
            done += read > 0 ? read : throw new StoreException($"read of {Describe(name)}: it shrank meanwhile");
        }

        return new VersionedContent(bytes, VersionOf(bytes));
    }

    /// <summary>A durable file that has no object's name yet.</summary>
    private async Task<PartialFile> WritePartialAsync(ContentSegments content, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(root, PartialFolder);
        MakeFolder(folder);
        if (Interlocked.Exchange(ref _isClearedUp, 1) == 0)
        {
            RemoveAbandoned(folder);
        }

        var partial = PartialFile.Create(folder, content.Length);
        try
        {
            var pieces = Enumerable.Range(0, (int)((content.Length + PieceBytes - 1) / PieceBytes)).Select(i => (long)i * PieceBytes);
            var options = new ParallelOptions { MaxDegreeOfParallelism = PiecesInFlight, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(pieces, options, async (offset, token) =>
            {
                foreach (var memory in content.Slice(offset, Math.Min(PieceBytes, content.Length - offset)))
                {
                    await RandomAccess.WriteAsync(partial.Handle, memory, offset, token).ConfigureAwait(false);
                    // The disk works while the next piece is copied.
                    Interop.LibC.BeginWriteBack(partial.Handle, offset, memory.Length);
                    offset += memory.Length;
                }
            }).ConfigureAwait(false);
            await Task.Run(() => RandomAccess.FlushToDisk(partial.Handle), cancellationToken).ConfigureAwait(false);
            return partial;
        }
        catch
        {
            partial.Dispose();
            throw;
        }
    }

    /// <summary>Gives a file its name, durably. Another process may remove the folder, empty as yet, at that moment.</summary>
    private static void Publish(string path, Action give)
    {
        var folder = Path.GetDirectoryName(path)!;
        for (var tries = 1; ; tries++)
        {
            try
            {
                MakeFolder(folder);
                give();
                Interop.LibC.FlushDirectory(folder);
                return;
            }
            catch (IOException e) when (tries < RaceTries && Interop.LibC.IsNoEntry(e))
            {
                // The folder was removed between two of these steps; it may be there again by now.
            }
        }
    }

    private static void MakeFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        var parent = Path.GetDirectoryName(folder)!;
        MakeFolder(parent);
        Directory.CreateDirectory(folder);
        Interop.LibC.FlushDirectory(parent);
    }

    private void RemoveIfEmpty(string folder)
    {
        for (; folder.Length > root.Length; folder = Path.GetDirectoryName(folder)!)
        {
            try
            {
                Directory.Delete(folder);
            }
            catch (IOException)
            {
                // Not empty, or another process removed it.
                return;
            }
        }
    }

    /// <summary>Removes what killed writers left. A living one's file is locked.</summary>
    private static void RemoveAbandoned(string folder)
    {
        foreach (var path in Directory.GetFiles(folder))
        {
            using var file = Interop.LibC.TryOpenRead(path);
            if (file is not null && Interop.LibC.TryLock(file))
            {
                File.Delete(path);
            }
        }
    }

    private async Task<SafeFileHandle> LockAsync(CancellationToken cancellationToken)
    {
        var file = Interop.LibC.OpenLock(Path.Combine(root, LockFile));
        try
        {
            for (var end = DateTime.UtcNow + LockTime; !Interop.LibC.TryLock(file);)
            {
                if (DateTime.UtcNow > end)
                {
                    throw new IOException($"{LockFile} was held by another process for {LockTime.TotalSeconds} s");
                }

                await Task.Delay(Random.Shared.Next(1, 10), cancellationToken).ConfigureAwait(false);
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private List<StoredObject> List(string prefix, CancellationToken cancellationToken)
    {
        var found = new List<StoredObject>();
        var folder = prefix.LastIndexOf('/') is var slash and > 0 ? prefix[..slash] : "";
        if (folder.Length > 0)
        {
            PathOf(folder);
        }

        ListFolder(new DirectoryInfo(Path.Combine(root, folder)), folder.Length > 0 ? folder + "/" : "");
        found.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return found;

        void ListFolder(DirectoryInfo directory, string above)
        {
            cancellationToken.ThrowIfCancellationRequested();
            FileSystemInfo[] entries;
            try
            {
                entries = directory.GetFileSystemInfos();
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }

            foreach (var entry in entries)
            {
                var name = above + entry.Name;
                // Whatever is named otherwise is no object: the folder of partial files, the lock.
                var isWithin = name.StartsWith(prefix, StringComparison.Ordinal) || prefix.StartsWith(name + "/", StringComparison.Ordinal);
                if (!isWithin || !ObjectName.IsSegment(entry.Name))
                {
                    continue;
                }

                RefuseLink(entry, name);
                if (entry is DirectoryInfo inner)
                {
                    ListFolder(inner, name + "/");
                }
                else if (name.StartsWith(prefix, StringComparison.Ordinal) && LengthOf((FileInfo)entry) is { } length)
                {
                    found.Add(new StoredObject(name, length));
                }
            }
        }
    }

    private static long? LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            // Deleted since the folder was read.
            return null;
        }
    }

    private string PathOf(string name)
    {
        ObjectName.Check(name);
        for (var end = name.IndexOf('/'); end >= 0; end = name.IndexOf('/', end + 1))
        {
            RefuseLink(new DirectoryInfo(Path.Combine(root, name[..end])), name[..end]);
        }

        var path = Path.Combine(root, name);
        RefuseLink(new FileInfo(path), name);
        return path;
    }

    private void RefuseLink(FileSystemInfo entry, string name)
    {
        if (entry.LinkTarget is not null)
        {
            throw new StoreException($"{Describe(name)} is a symbolic link: a store holds its objects itself");
        }
    }

    private string Describe(string name) => $"{address.TrimEnd('/')}/{name}";

    private async Task<T> GuardAsync<T>(string operation, string name, Func<Task<T>> run)
    {
        try
        {
            return await run().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{operation} of {Describe(name)}: {e.Message}", e);
        }
    }

    /// <summary>A file that has no object's name, locked so that nobody takes it for abandoned; its own name goes with it.</summary>
    private sealed class PartialFile : IDisposable
    {
        private PartialFile(string path, SafeFileHandle handle)
        {
            Path = path;
            Handle = handle;
        }

        public string Path { get; }

        public SafeFileHandle Handle { get; }

        /// <exception cref="IOException">The disk has no room for so many bytes.</exception>
        public static PartialFile Create(string folder, long bytes)
        {
            for (var tries = 1; ; tries++)
            {
                var path = System.IO.Path.Combine(folder, Guid.NewGuid().ToString("N"));
                SafeFileHandle? handle = null;
                var isOurs = false;
                try
                {
                    handle = Interop.LibC.CreateNew(path, bytes);
                    // Between creating and locking it, whoever clears up may have taken it for abandoned.
                    isOurs = Interop.LibC.TryLock(handle) && File.Exists(path);
                    if (isOurs)
                    {
                        return new PartialFile(path, handle);
                    }

                    if (tries == RaceTries)
                    {
                        throw new IOException($"another process takes every new file in {folder}");
                    }
                }
                finally
                {
                    if (!isOurs)
                    {
                        handle?.Dispose();
                        File.Delete(path);
                    }
                }
            }
        }

        public void Dispose()
        {
            File.Delete(Path);
            Handle.Dispose();
        }
    }
}
