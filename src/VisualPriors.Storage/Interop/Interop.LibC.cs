using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VisualPriors.Storage;

/// <summary>Native entry points, one nested class per library.</summary>
internal static partial class Interop
{
    /// <summary>
    /// What .NET does not offer of Linux's file system: links as an atomic "create whole", locks told apart from errors, directories made
    /// durable, and files opened without a lock (.NET locks every file that it opens for reading, and fails where another holds an exclusive one).
    /// </summary>
    internal static partial class LibC
    {
        private const string Library = "libc";
        private const int NoEntry = 2;
        private const int Interrupted = 4;
        private const int WouldBlock = 11;
        private const int Exists = 17;
        private const int NotDirectory = 20;
        private const int InvalidArgument = 22;
        private const int NotSupported = 95;
        private const uint SyncFileRangeWrite = 2;
        private const int OpenWrite = 0x1;
        private const int OpenCreate = 0x40;
        private const int OpenCreateNew = OpenCreate | 0x80;
        private const int OpenNoFollow = 0x20000;
        private const int UserWritesAllRead = 0b110_100_100;
        private const int LockExclusive = 2;
        private const int LockNonBlocking = 4;
        private const int OpenDirectory = 0x10000;
        private const int OpenCloseOnExec = 0x80000;

        /// <summary>Whether an exception, of these calls or of .NET's own, means that a file or a folder on the way to it is not there.</summary>
        public static bool IsNoEntry(IOException exception) =>
            exception is FileNotFoundException or DirectoryNotFoundException || exception.HResult == NoEntry;

        /// <summary>Opens a file (no link) for reading, without locking it; null when there is none.</summary>
        /// <exception cref="IOException">The file system refuses.</exception>
        public static SafeFileHandle? TryOpenRead(string path) => TryOpen(path, OpenNoFollow);

        /// <summary>Opens a file for its lock's sake, and makes it where there is none.</summary>
        /// <exception cref="IOException">The file system refuses.</exception>
        public static SafeFileHandle OpenLock(string path) => TryOpen(path, OpenWrite | OpenCreate | OpenNoFollow) ?? throw Failure("open", path);

        /// <summary>Makes a file with room for so many bytes, without locking it.</summary>
        /// <exception cref="IOException">The file system refuses, or has no room.</exception>
        public static SafeFileHandle CreateNew(string path, long bytes)
        {
            var file = TryOpen(path, OpenWrite | OpenCreateNew) ?? throw Failure("open", path);
            // The one call here that returns its error. Where a file system cannot reserve room, writing finds out.
            if (bytes > 0 && Allocate(file, 0, bytes) is var error and not (0 or InvalidArgument or NotSupported))
            {
                file.Dispose();
                throw Failure("fallocate", path, error);
            }

            return file;
        }

        /// <summary>Has the disk begin with what was written of a range; waits for nothing, and a file system that cannot is none the worse.</summary>
        public static void BeginWriteBack(SafeFileHandle file, long offset, long bytes) => _ = SyncFileRange(file, offset, bytes, SyncFileRangeWrite);

        /// <summary>Gives a file a second name; false when there is something of that name.</summary>
        /// <exception cref="IOException">The file system refuses.</exception>
        public static bool TryLink(string existing, string name) =>
            Link(existing, name) == 0 || (Marshal.GetLastPInvokeError() == Exists ? false : throw Failure("link", name));

        /// <summary>Takes an open file's lock, which ends with the handle or its process; false when another holds it.</summary>
        /// <exception cref="IOException">The file system refuses.</exception>
        public static bool TryLock(SafeFileHandle file)
        {
            while (Flock(file, LockExclusive | LockNonBlocking) != 0)
            {
                switch (Marshal.GetLastPInvokeError())
                {
                    case Interrupted:
                        continue;
                    case WouldBlock:
                        return false;
                    default:
                        throw Failure("flock", "a lock");
                }
            }

            return true;
        }

        /// <summary>Makes the names in a directory durable.</summary>
        /// <exception cref="IOException">The file system refuses.</exception>
        public static void FlushDirectory(string path)
        {
            using var directory = Open(path, OpenDirectory | OpenCloseOnExec, 0);
            if (directory.IsInvalid || FileSync(directory) != 0)
            {
                throw Failure("fsync", path);
            }
        }

        private static SafeFileHandle? TryOpen(string path, int flags)
        {
            var file = Open(path, flags | OpenCloseOnExec, UserWritesAllRead);
            if (!file.IsInvalid)
            {
                return file;
            }

            var error = Marshal.GetLastPInvokeError();
            file.Dispose();
            return error is NoEntry or NotDirectory ? null : throw Failure("open", path, error);
        }

        private static IOException Failure(string call, string path) => Failure(call, path, Marshal.GetLastPInvokeError());

        private static IOException Failure(string call, string path, int error) =>
            new($"{call} of {path}: {new Win32Exception(error).Message}", error);

        [LibraryImport(Library, EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        private static partial int Link(string existing, string name);

        [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
        private static partial int Flock(SafeFileHandle file, int operation);

        [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        private static partial SafeFileHandle Open(string path, int flags, int mode);

        [LibraryImport(Library, EntryPoint = "posix_fallocate")]
        private static partial int Allocate(SafeFileHandle file, long offset, long length);

        [LibraryImport(Library, EntryPoint = "sync_file_range")]
        private static partial int SyncFileRange(SafeFileHandle file, long offset, long bytes, uint flags);

        [LibraryImport(Library, EntryPoint = "fsync", SetLastError = true)]
        private static partial int FileSync(SafeFileHandle file);
    }
}
