using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Tokenization;
using VisualPriors.Storage;

namespace VisualPriors.Data.Text;

/// <summary>A prepared corpus, opened for reading. Its tokens stay on disk and are mapped into memory. Safe for use by several threads.</summary>
public sealed class TextCorpus : IDisposable
{
    private readonly CorpusFile _file;
    private readonly List<TokenStream> _train = [];
    private readonly List<TokenStream> _validation = [];

    private TextCorpus(string directory, CorpusFile file)
    {
        Directory = directory;
        _file = file;
    }

    /// <summary>Its folder.</summary>
    public string Directory { get; }

    /// <summary>Path of the tokenizer it was made with.</summary>
    public string TokenizerPath => Path.Combine(Directory, CorpusFile.TokenizerFileName);

    /// <summary>Every token id is below it.</summary>
    public int VocabularySize => _file.VocabularySize;

    /// <summary>The sources, ordered by name.</summary>
    public IReadOnlyList<CorpusSource> Sources => _file.Sources;

    /// <summary>Opens a corpus: checks its description and the sizes of its files, not yet the tokens (<see cref="Validate"/>).</summary>
    /// <exception cref="InvalidInputException">There is no finished corpus, or it is damaged.</exception>
    public static TextCorpus Open(string directory)
    {
        Artifact.Open(directory, ArtifactKind.TextCorpus);
        var file = ReadFile(Path.Combine(directory, CorpusFile.FileName));
        var corpus = new TextCorpus(directory, file);
        try
        {
            foreach (var source in file.Sources)
            {
                corpus._train.Add(Map(CorpusFile.TrainPath(source.Name), source.TrainTokens));
                corpus._validation.Add(Map(CorpusFile.ValidationPath(source.Name), source.ValidationTokens));
            }

            return corpus;
        }
        catch
        {
            corpus.Dispose();
            throw;
        }

        TokenStream Map(string path, long tokens) => new(Path.Combine(directory, path), tokens, file.TokenBytes);
    }

    /// <summary>Reads every token once and checks that it is of the vocabulary: an id above it would read past an embedding's end.</summary>
    /// <exception cref="InvalidInputException">One is not; names file and position.</exception>
    public void Validate(CancellationToken cancellationToken)
    {
        foreach (var stream in _train.Concat(_validation))
        {
            stream.Validate(VocabularySize, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var stream in _train.Concat(_validation))
        {
            stream.Dispose();
        }
    }

    /// <summary>Index of a source in <see cref="Sources"/>; -1 if it has none of that name.</summary>
    internal int IndexOf(string source)
    {
        for (var i = 0; i < Sources.Count; i++)
        {
            if (Sources[i].Name == source)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Training tokens of a source.</summary>
    internal TokenStream Train(int source) => _train[source];

    /// <summary>Held-out tokens of a source.</summary>
    internal TokenStream Validation(int source) => _validation[source];

    private static CorpusFile ReadFile(string path)
    {
        CorpusFile? file;
        try
        {
            file = File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), CorpusJson.Default.CorpusFile) : null;
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, e.Path, e.Message, "a corpus description", (int?)(e.LineNumber + 1));
        }

        if (file is null)
        {
            throw new InvalidInputException(path, null, "nothing", "a corpus description");
        }

        if (file.Version != CorpusFile.CurrentVersion)
        {
            throw new InvalidInputException(path, "version", $"{file.Version}", $"{CorpusFile.CurrentVersion}");
        }

        if (file.VocabularySize is <= 0 or > TextTokenizer.MaximumVocabularySize)
        {
            throw new InvalidInputException(path, "vocabularySize", $"{file.VocabularySize}", $"1 to {TextTokenizer.MaximumVocabularySize}");
        }

        var tokenBytes = CorpusFile.TokenBytesFor(file.VocabularySize);
        if (file.TokenBytes != tokenBytes)
        {
            throw new InvalidInputException(path, "tokenBytes", $"{file.TokenBytes}", $"{tokenBytes} for a vocabulary of {file.VocabularySize}");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < file.Sources.Count; i++)
        {
            var name = file.Sources[i]?.Name;
            if (!CorpusFile.IsSourceName(name) || !names.Add(name!))
            {
                throw new InvalidInputException(path, $"sources[{i}].name", name ?? "null", "names of lower-case letters, digits and hyphens, each once");
            }
        }

        return names.Count > 0 ? file : throw new InvalidInputException(path, "sources", "no source", "at least one");
    }
}
