using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.Drawings;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Text;
using VisualPriors.Data.Text.Sources;
using VisualPriors.Data.Tokenization;
using VisualPriors.Storage;
using VisualPriors.Training.VisionEncoders;

namespace VisualPriors.Cli.Preparation;

/// <summary>
/// Makes the data sets of the quickstart from installed packages: text and tokenizer, drawings, captions, instructions, test questions,
/// and a vision encoder. What was made from the same things before is kept.
/// </summary>
internal sealed class DataPreparation
{
    /// <summary>Raised whenever the same packages, seed and size would come out as other data.</summary>
    private const int Version = 1;

    private const string TwitterPackage = "emoji-datasource-twitter";
    private const string GooglePackage = "emoji-datasource-google";
    private const string OpenMojiPackage = "openmoji";

    private readonly PreparationOptions _options;
    private readonly PreparationSize _size;
    private readonly PreparedData _data;
    private readonly IProgress<PreparationProgress> _progress;
    private readonly CancellationToken _cancellationToken;

    private DataPreparation(
        PreparationOptions options, PreparationSize size, IProgress<PreparationProgress> progress, CancellationToken cancellationToken)
    {
        _options = options;
        _size = size;
        _progress = progress;
        _cancellationToken = cancellationToken;
        Directory.CreateDirectory(options.Output);
        _data = PreparedData.Open(options.Output);
    }

    /// <summary>Makes what is not there yet.</summary>
    /// <exception cref="InvalidInputException">A source is missing or damaged.</exception>
    /// <exception cref="OperationCanceledException">Stopped; what was finished stays, nothing is half-written.</exception>
    public static Task PrepareAsync(
        PreparationOptions options, PreparationSize size, IProgress<PreparationProgress> progress, CancellationToken cancellationToken) =>
        Task.Run(() => new DataPreparation(options, size, progress, cancellationToken).Prepare(), cancellationToken);

    private void Prepare()
    {
        var textPackages = InstalledPackages.Versions(_options.Packages, TextSources.NpmPackages);
        var drawingPackages = InstalledPackages.Versions(_options.Packages, [TwitterPackage, GooglePackage, OpenMojiPackage]);
        var locations = new TextSourceLocations { NodeModules = _options.Packages };
        var documents = new Lazy<IReadOnlyList<TextDocument>>(() => TextSources.Read(locations, _cancellationToken));
        var metamath = new FileInfo(locations.MetamathDatabase);
        var text = $"{textPackages} {(metamath.Exists ? metamath.Length : 0)}";

        var tokenizer = Make("tokenizer", $"{text} {_size.VocabularySize}", path => MakeTokenizer(path, documents.Value));
        Make("corpus", $"{text} {tokenizer} {_size.ValidationShare}", path => MakeCorpus(path, documents.Value));
        var drawings = Make("drawings", drawingPackages, MakeDrawings);
        var catalogue = new Lazy<DrawingCatalogue>(() => DrawingCatalogue.Open(_data.PathOf("drawings"), IsShown));
        var scenes = $"{drawings} {_options.Seed} {string.Join(',', _size.ThingGroups)}";
        Make("captions", $"{scenes} {_size.Captions}", path =>
            CaptionSetWriter.Write(catalogue.Value, _size.Captions, _options.Seed, path, _cancellationToken));
        Make("instructions", $"{scenes} {_size.Instructions}", path =>
            InstructionSetWriter.Write(catalogue.Value, _size.Instructions, _options.Seed + 1, path, _cancellationToken));
        Make("mle-bench", $"{scenes} {string.Join(',', _size.Questions)}", path =>
            ExistenceBenchmarkWriter.Write(catalogue.Value, _size.Questions, _options.Seed + 2, path, _cancellationToken));
        Make(
            "vision-encoder",
            $"{scenes} {tokenizer} {_size.Encoder} {_size.EncoderSteps} {_size.EncoderBatchSize} {_size.EncoderOptimizer}",
            path => MakeEncoder(path, catalogue.Value));
        if (catalogue.IsValueCreated)
        {
            catalogue.Value.Dispose();
        }
    }

    private bool IsShown(Thing thing) => _size.ThingGroups.Contains(thing.Category) || _size.ThingGroups.Contains(thing.Subcategory);

    private string Make(string name, string madeFrom, Func<string, Artifact> make)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        _progress.Report(new PreparationProgress(name, 0, ""));
        var (digest, reused) = _data.Ensure(name, $"{Version} {name} {madeFrom}", make, _cancellationToken);
        _progress.Report(new PreparationProgress(name, 1, reused ? "reused" : "made"));
        return digest;
    }

    private Artifact MakeTokenizer(string path, IReadOnlyList<TextDocument> documents)
    {
        using var writer = new ArtifactWriter(path);
        BytePairTrainer.Train(TokenizerSample.Take(documents), _size.VocabularySize, _cancellationToken).Save(writer.PathOf("tokenizer.json"));
        return writer.Commit(ArtifactKind.Tokenizer);
    }

    private Artifact MakeCorpus(string path, IReadOnlyList<TextDocument> documents)
    {
        using var writer = new ArtifactWriter(path);
        CorpusBuilder.Build(TextSources.All, documents, TokenizerPath, writer, _size.ValidationShare, _cancellationToken);
        return writer.Commit(ArtifactKind.TextCorpus);
    }

    private Artifact MakeDrawings(string path)
    {
        string Package(string name) => Path.Combine(_options.Packages, name);
        return DrawingPreparation.Prepare(
            new DrawingPackages(Package(TwitterPackage), Package(GooglePackage), Package(OpenMojiPackage)), path, _cancellationToken);
    }

    private Artifact MakeEncoder(string path, DrawingCatalogue catalogue)
    {
        var tokenizer = TextTokenizer.Load(TokenizerPath);
        var scenes = new CaptionedScenes(catalogue, _options.Seed + 3);
        var settings = new ContrastiveSettings
        {
            Steps = _size.EncoderSteps,
            Seed = _options.Seed,
            VocabularySize = tokenizer.VocabularySize,
            Optimizer = _size.EncoderOptimizer,
        };
        var captions = scenes.Wordings.Select(wording => wording.Select(tokenizer.Encode).ToList()).ToList();
        using var encoder = ContrastiveTraining.Train(_size.Encoder, settings, Load, Progress, _cancellationToken);
        using var writer = new ArtifactWriter(path);
        encoder.Save(writer.Directory);
        return writer.Commit(ArtifactKind.VisionEncoder);

        ContrastiveBatch Load(long step)
        {
            var images = new byte[_size.EncoderBatchSize][];
            var things = new int[images.Length];
            for (var i = 0; i < images.Length; i++)
            {
                (images[i], things[i]) = scenes.SceneAt((step * images.Length) + i);
            }

            return new ContrastiveBatch(images, captions[(int)(step % captions.Count)], things);
        }

        void Progress(long step, double loss) =>
            _progress.Report(new PreparationProgress("vision-encoder", (double)step / _size.EncoderSteps, $"loss {loss:F3}"));
    }

    private string TokenizerPath => Path.Combine(_data.PathOf("tokenizer"), "tokenizer.json");
}
