using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Tokenization;
using VisualPriors.Storage;

namespace VisualPriors.Data.Text;

/// <summary>Tokenizes documents into a corpus that <see cref="TextCorpus"/> opens.</summary>
public static class CorpusBuilder
{
    /// <summary>Documents that are tokenized at a time: bounds the tokens held in memory.</summary>
    private const int DocumentsPerBatch = 512;

    /// <summary>
    /// Writes a corpus into an artifact (the caller commits it, as kind <see cref="ArtifactKind.TextCorpus"/>). Of every source the
    /// documents with the smallest hashes are held out: neither their order nor the other sources matter, and copies of a document
    /// fall on one side. The same documents and tokenizer give the same files to the bit.
    /// </summary>
    /// <param name="sources">The sources, each with at least two different documents.</param>
    /// <param name="documents">Their documents, in the order to be written.</param>
    /// <param name="tokenizerPath">The <c>tokenizer.json</c> to tokenize with; a copy goes into the corpus.</param>
    /// <param name="writer">The artifact to write.</param>
    /// <param name="validationShare">Share of every source's documents to hold out, above 0 and below 1; at least one is.</param>
    /// <param name="cancellationToken">Ends the work early.</param>
    /// <exception cref="InvalidInputException">The tokenizer cannot be used, or a source has too few documents or an unusable name.</exception>
    public static CorpusFile Build(
        IReadOnlyList<TextSource> sources,
        IReadOnlyList<TextDocument> documents,
        string tokenizerPath,
        ArtifactWriter writer,
        double validationShare,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(validationShare, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(validationShare, 1);
        var tokenizer = TextTokenizer.Load(tokenizerPath);
        var bySource = documents.ToLookup(document => document.Source, document => document.Text, StringComparer.Ordinal);
        var names = sources.Select(source => source.Name).ToHashSet(StringComparer.Ordinal);
        if (bySource.FirstOrDefault(group => !names.Contains(group.Key)) is { } unknown)
        {
            throw new InvalidInputException(
                unknown.Key, null, "documents of a source that is not described", "a source among " + string.Join(", ", names));
        }

        var built = sources
            .OrderBy(source => source.Name, StringComparer.Ordinal)
            .Select(source => BuildSource(source, [.. bySource[source.Name]], tokenizer, writer, validationShare, cancellationToken));
        var corpus = new CorpusFile
        {
            Version = CorpusFile.CurrentVersion,
            VocabularySize = tokenizer.VocabularySize,
            EndOfText = tokenizer.EndOfText,
            TokenBytes = CorpusFile.TokenBytesFor(tokenizer.VocabularySize),
            Sources = [.. built],
        };
        File.Copy(tokenizerPath, writer.PathOf(CorpusFile.TokenizerFileName), overwrite: true);
        File.WriteAllBytes(writer.PathOf(CorpusFile.FileName), JsonSerializer.SerializeToUtf8Bytes(corpus, CorpusJson.Default.CorpusFile));
        return corpus;
    }

    private static CorpusSource BuildSource(
        TextSource source,
        IReadOnlyList<string> texts,
        TextTokenizer tokenizer,
        ArtifactWriter writer,
        double validationShare,
        CancellationToken cancellationToken)
    {
        if (!CorpusFile.IsSourceName(source.Name))
        {
            throw new InvalidInputException(source.Name, "name", source.Name, "a source's name of lower-case letters, digits and hyphens");
        }

        var hashes = texts.AsParallel().AsOrdered().WithCancellation(cancellationToken).Select(Hash).ToArray();
        var limit = LargestHeldOut(source.Name, hashes, validationShare);
        var sides = hashes.ToLookup(hash => hash <= limit);
        long textBytes = 0;
        using var train = new TokenFile(writer.PathOf(CorpusFile.TrainPath(source.Name)), tokenizer);
        using var validation = new TokenFile(writer.PathOf(CorpusFile.ValidationPath(source.Name)), tokenizer);
        for (var begin = 0; begin < texts.Count; begin += DocumentsPerBatch)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = Math.Min(DocumentsPerBatch, texts.Count - begin);
            var tokens = new IReadOnlyList<int>[count];
            Parallel.For(0, count, i => tokens[i] = tokenizer.Encode(texts[begin + i]));
            for (var i = 0; i < count; i++)
            {
                textBytes += Encoding.UTF8.GetByteCount(texts[begin + i]);
                (hashes[begin + i] <= limit ? validation : train).Append(tokens[i]);
            }
        }

        return new CorpusSource
        {
            Name = source.Name,
            Description = source.Description,
            Licence = source.Licence,
            TrainDocuments = sides[false].Count(),
            ValidationDocuments = sides[true].Count(),
            TrainTokens = train.Tokens,
            ValidationTokens = validation.Tokens,
            TextBytes = textBytes,
        };
    }

    private static ulong LargestHeldOut(string source, ulong[] hashes, double validationShare)
    {
        var different = hashes.Distinct().Order().ToArray();
        if (different.Length < 2)
        {
            throw new InvalidInputException(
                source, null, $"{hashes.Length} documents, fewer than two of them different", "text to train on and text to hold out");
        }

        // However often documents are repeated, one is left to train on.
        var heldOut = (int)Math.Max(1, Math.Round(validationShare * hashes.Length));
        return Math.Min(hashes.Order().ElementAt(heldOut - 1), different[^2]);
    }

    private static ulong Hash(string text) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes documents' tokens, each document followed by end of text.</summary>
    private sealed class TokenFile(string path, TextTokenizer tokenizer) : IDisposable
    {
        private readonly BinaryWriter _writer = new(new BufferedStream(File.Create(path), 1 << 16));
        private readonly bool _short = CorpusFile.TokenBytesFor(tokenizer.VocabularySize) == sizeof(ushort);

        public long Tokens { get; private set; }

        public void Append(IReadOnlyList<int> document)
        {
            for (var i = 0; i < document.Count; i++)
            {
                Append(document[i]);
            }

            Append(tokenizer.EndOfText);
        }

        public void Dispose() => _writer.Dispose();

        private void Append(int token)
        {
            if (_short)
            {
                _writer.Write((ushort)token);
            }
            else
            {
                _writer.Write((uint)token);
            }

            Tokens++;
        }
    }
}
