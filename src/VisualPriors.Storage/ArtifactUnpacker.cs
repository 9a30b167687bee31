using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using VisualPriors.Api.Errors;

namespace VisualPriors.Storage;

/// <summary>Writes the files of one object as its bytes come in order, and compares each file's hash when it is whole.</summary>
/// <param name="item">The object.</param>
/// <param name="described">What errors call it.</param>
/// <param name="pathOf">Where a file of the artifact goes; its folder is there.</param>
internal sealed class ArtifactUnpacker(ArtifactObject item, string described, Func<string, string> pathOf) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private SafeFileHandle? _target;
    private long _written;
    private int _next;

    /// <summary>Takes the next bytes.</summary>
    /// <exception cref="InvalidInputException">A file that ended is not what the manifest says.</exception>
    /// <exception cref="IOException">The disk is full, or refuses.</exception>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
        {
            var file = item.Files[_next];
            _target ??= Create(file);
            var part = bytes[..(int)Math.Min(bytes.Length, file.Bytes - _written)];
            _hash.AppendData(part.Span);
            await RandomAccess.WriteAsync(_target, part, _written, cancellationToken).ConfigureAwait(false);
            _written += part.Length;
            bytes = bytes[part.Length..];
            if (_written == file.Bytes)
            {
                End(file);
            }
        }
    }

    /// <summary>Makes the empty files that no byte came for; all others have ended.</summary>
    /// <exception cref="InvalidInputException">A file is not what the manifest says.</exception>
    public void Complete()
    {
        while (_next < item.Files.Count)
        {
            _target ??= Create(item.Files[_next]);
            End(item.Files[_next]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _target?.Dispose();
        _hash.Dispose();
    }

    private SafeFileHandle Create(ArtifactFile file) =>
        File.OpenHandle(pathOf(file.Path), FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous, file.Bytes);

    private void End(ArtifactFile file)
    {
        _target!.Dispose();
        (_target, _written) = (null, 0);
        _next++;
        if (Convert.ToHexStringLower(_hash.GetHashAndReset()) is var actual && actual != file.Sha256)
        {
            throw new InvalidInputException(described, file.Path, $"SHA-256 {actual}", $"{file.Sha256}, as {ArtifactManifest.FileName} says");
        }
    }
}
