using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Tokenization;
using VisualPriors.Models;
using VisualPriors.Storage;
using VisualPriors.Storage.Objects;
using VisualPriors.Torch;
using VisualPriors.Training.Stages;

namespace VisualPriors.Training.Exports;

/// <summary>
/// Brings a Hugging Face folder of a <c>LlamaForCausalLM</c> from an object store, as an artifact that can stand where a pre-trained model
/// stands. Headers are checked before anything large is fetched, and the whole model once more before it becomes an artifact.
/// </summary>
public static class ModelImport
{
    private const int MaximumConfigurationBytes = 1 << 20;
    private const int MaximumTokenizerBytes = 256 << 20;
    private const int PieceBytes = 16 << 20;
    private const int PiecesInFlight = 4;

    /// <summary>Imports a model.</summary>
    /// <param name="store">Where it lies.</param>
    /// <param name="artifactFolder">The artifact to make; an artifact in its place is replaced.</param>
    /// <param name="cancellationToken">Stops; nothing is left then.</param>
    /// <exception cref="InvalidInputException">It is no whole model of that kind, or the folder holds something else.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public static async Task<Artifact> RunAsync(IObjectStore store, string artifactFolder, CancellationToken cancellationToken)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        await foreach (var item in store.ListAsync("", cancellationToken).ConfigureAwait(false))
        {
            sizes[item.Name] = item.Bytes;
        }

        using var writer = new ArtifactWriter(artifactFolder);
        await CopySmallAsync(ModelExport.ConfigurationFile, MaximumConfigurationBytes).ConfigureAwait(false);
        await CopySmallAsync(StageFolders.TokenizerFile, MaximumTokenizerBytes).ConfigureAwait(false);
        foreach (var name in await WeightFilesAsync().ConfigureAwait(false))
        {
            await CopyAsync(store, name, sizes[name], PathOf(name), cancellationToken).ConfigureAwait(false);
        }

        Check(Path.Combine(writer.Directory, StageFolders.LanguageModel), store.Address);
        return writer.Commit(ArtifactKind.Pretrain);

        // The files of the weights, their headers checked against the index and their sizes.
        async Task<IReadOnlyCollection<string>> WeightFilesAsync()
        {
            if (sizes.ContainsKey(SafetensorsIndex.SingleFileName) || !sizes.ContainsKey(SafetensorsIndex.FileName))
            {
                await ReadHeaderAsync(SafetensorsIndex.SingleFileName).ConfigureAwait(false);
                return [SafetensorsIndex.SingleFileName];
            }

            var index = await CopySmallAsync(SafetensorsIndex.FileName, SafetensorsIndex.MaximumBytes).ConfigureAwait(false);
            var fileOf = SafetensorsIndex.Parse(index, Describe(SafetensorsIndex.FileName));
            var names = fileOf.Values.Distinct().Order(StringComparer.Ordinal).ToArray();
            foreach (var name in names)
            {
                var header = await ReadHeaderAsync(name).ConfigureAwait(false);
                SafetensorsIndex.Check(fileOf, name, [.. header.Entries.Keys], Describe(name));
            }

            return names;
        }

        async Task<SafetensorsHeader> ReadHeaderAsync(string name)
        {
            var bytes = SizeOf(name);
            var prefix = new byte[Math.Min(bytes, SafetensorsHeader.PrefixLength)];
            await store.ReadRangeAsync(name, 0, prefix, cancellationToken).ConfigureAwait(false);
            var header = new byte[SafetensorsHeader.ReadLength(prefix, bytes, Describe(name))];
            await store.ReadRangeAsync(name, prefix.Length, header, cancellationToken).ConfigureAwait(false);
            return SafetensorsHeader.Parse(header, bytes, Describe(name));
        }

        async Task<byte[]> CopySmallAsync(string name, int maximumBytes)
        {
            var bytes = SizeOf(name) is var size && size <= maximumBytes
                ? new byte[size]
                : throw new InvalidInputException(Describe(name), null, $"{size} bytes", $"at most {maximumBytes} bytes");
            await store.ReadRangeAsync(name, 0, bytes, cancellationToken).ConfigureAwait(false);
            await File.WriteAllBytesAsync(PathOf(name), bytes, cancellationToken).ConfigureAwait(false);
            return bytes;
        }

        long SizeOf(string name) => sizes.TryGetValue(name, out var size)
            ? size
            : throw new InvalidInputException(Describe(name), null, "no such object", "a Hugging Face model: config.json, tokenizer.json and safetensors");

        string PathOf(string name) => writer.PathOf($"{StageFolders.LanguageModel}/{name}");

        string Describe(string name) => $"{store.Address.TrimEnd('/')}/{name}";
    }

    /// <summary>Checks a model that was fetched; complaints name where it came from, for what was fetched goes.</summary>
    private static void Check(string folder, string address)
    {
        try
        {
            DecoderFolder.OpenWeights(folder).Dispose();
            var tokenizerFile = Path.Combine(folder, StageFolders.TokenizerFile);
            var tokens = TextTokenizer.Load(tokenizerFile).VocabularySize;
            var rows = DecoderFolder.LoadConfiguration(folder).VocabularySize;
            if (tokens > rows)
            {
                throw new InvalidInputException(tokenizerFile, null, $"{tokens} tokens", $"at most {rows}, as {ModelExport.ConfigurationFile} says");
            }
        }
        catch (InvalidInputException e)
        {
            throw new InvalidInputException([.. e.Errors.Select(error => error with { File = error.File.Replace(folder, address.TrimEnd('/'), StringComparison.Ordinal) })]);
        }
    }

    private static async Task CopyAsync(IObjectStore store, string name, long bytes, string path, CancellationToken cancellationToken)
    {
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, preallocationSize: bytes);
        var pieces = Enumerable.Range(0, checked((int)((bytes + PieceBytes - 1) / PieceBytes))).Select(i => (long)i * PieceBytes);
        var options = new ParallelOptions { MaxDegreeOfParallelism = PiecesInFlight, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(pieces, options, async (offset, token) =>
        {
            var piece = new byte[Math.Min(PieceBytes, bytes - offset)];
            await store.ReadRangeAsync(name, offset, piece, token).ConfigureAwait(false);
            await RandomAccess.WriteAsync(file, piece, offset, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
    }
}
