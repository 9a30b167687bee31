using SkiaSharp;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Text;
using VisualPriors.Data.Tokenization;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Tests;

/// <summary>A manifest of all four kinds and the smallest real data for it, in a folder of its own.</summary>
public sealed class TinyExperiment : IDisposable
{
    public const string Chain = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: PretrainRun
        metadata: {name: decoder}
        spec:
          model: {preset: nano}
          data:
            corpus: corpus
            mixture: {code: 1, math: 3}
          training: {tokens: 65, sequenceLength: 8, globalBatchSize: 2}
        ---
        apiVersion: visualpriors.dev/v1alpha1
        kind: AlignRun
        metadata: {name: aligned}
        spec:
          from: {kind: PretrainRun, name: decoder}
          visionEncoder: vision-encoder
          captions: captions
          visualTokens: 4
          training: {globalBatchSize: 2}
        ---
        apiVersion: visualpriors.dev/v1alpha1
        kind: SftRun
        metadata: {name: tuned}
        spec:
          from: {kind: AlignRun, name: aligned}
          instructions: instructions
        ---
        apiVersion: visualpriors.dev/v1alpha1
        kind: EvalRun
        metadata: {name: scored}
        spec:
          from: {kind: SftRun, name: tuned}
          suites:
            - {suite: mleBench, data: mle-bench, blind: true}
        """;

    public TinyExperiment()
    {
        WriteCorpus();
        WriteImages("captions", "image-text", i => $$"""{"id":"{{i}}","image":"images/{{i}}.png","conversations":[{"from":"human","value":"<image>"},{"from":"gpt","value":"thing {{i}}"}]}""");
        WriteImages("instructions", "image-text", i => $$"""{"id":"{{i}}","image":"images/{{i}}.png","conversations":[{"from":"human","value":"<image>\nWhat?"},{"from":"gpt","value":"thing {{i}}"}]}""");
        WriteImages("mle-bench", "mle-bench", i => $$"""{"image":"images/{{i}}.png","question":"What?","choices":["a","b","c","d"],"answer":"b","answer_text":"b","sub_task":"existence_0-30"}""");
        using var encoder = new ArtifactWriter(Path.Combine(Data, "vision-encoder"));
        File.WriteAllText(encoder.PathOf("config.json"), "{}");
        encoder.Commit(ArtifactKind.VisionEncoder);
        Write(Chain);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("vp-cli-").FullName;

    public string Manifest => Path.Combine(Root, "tiny.yaml");

    public string Data => Path.Combine(Root, "data");

    public string Output => Path.Combine(Root, "output");

    public string[] Options => ["-f", Manifest, "--data", Data, "--output", Output];

    public void Write(string manifest) => File.WriteAllText(Manifest, manifest);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private void WriteCorpus()
    {
        var documents = Enumerable.Range(0, 40)
            .Select(i => new TextDocument(i % 2 == 0 ? "code" : "math", $"document {i} says that {i} and {i + 1} make {i + i + 1}"))
            .ToList();
        var tokenizer = Path.Combine(Root, "tokenizer.json");
        BytePairTrainer.Train(documents.Select(document => document.Text), 270, default).Save(tokenizer);
        using var corpus = new ArtifactWriter(Path.Combine(Data, "corpus"));
        CorpusBuilder.Build([new("code", "", ""), new("math", "", "")], documents, tokenizer, corpus, 0.2, default);
        corpus.Commit(ArtifactKind.TextCorpus);
    }

    private void WriteImages(string name, string kind, Func<int, string> line)
    {
        using var writer = new ArtifactWriter(Path.Combine(Data, name));
        using var bitmap = new SKBitmap(8, 8);
        for (var i = 0; i < 3; i++)
        {
            bitmap.Erase(new SKColor((byte)(80 * i), 90, 100));
            using var stream = File.Create(writer.PathOf($"images/{i}.png"));
            bitmap.Encode(stream, SKEncodedImageFormat.Png, 100);
        }

        File.WriteAllLines(writer.PathOf("data.jsonl"), Enumerable.Range(0, 3).Select(line));
        writer.Commit(kind);
    }
}
