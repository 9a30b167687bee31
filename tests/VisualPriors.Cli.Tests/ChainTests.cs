using System.Text.Json.Nodes;
using VisualPriors.Cli.Preparation;
using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Text;

namespace VisualPriors.Cli.Tests;

/// <summary>
/// The quickstart in small: real text and drawings from the installed packages, all four stages by the real trainer. Few steps, so its
/// scores mean nothing; quickstart.sh is where they do.
/// </summary>
public sealed class ChainTests : IDisposable
{
    private static readonly PreparationSize Small = new()
    {
        VocabularySize = 512,
        Captions = 24,
        Instructions = 32,
        Questions = [3, 3, 3],
        EncoderSteps = 3,
        EncoderBatchSize = 8,
    };

    private readonly string _root = Directory.CreateTempSubdirectory("vp-chain-").FullName;

    private string Data => Path.Combine(_root, "data");

    private string Manifest => Path.Combine(_root, "chain.yaml");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Real_data_is_prepared_once_and_a_chain_over_it_gives_the_same_numbers_twice()
    {
        var made = await PrepareAsync();
        var again = await PrepareAsync();
        Assert.Equal(["captions", "corpus", "drawings", "instructions", "mle-bench", "tokenizer", "vision-encoder"], made.Keys);
        Assert.All(made, step => Assert.Equal("made", step.Value));
        Assert.All(again, step => Assert.Equal("reused", step.Value));
        CheckData();

        File.WriteAllText(Manifest, Chain);
        var first = await RunAsync("first");
        var reused = await RunAsync("first");
        var second = await RunAsync("second");

        Assert.Equal((0, ""), (first.ExitCode, first.Error));
        CheckSummary(JsonNode.Parse(File.ReadAllText(Path.Combine(_root, "first", "summary.json")))!);
        Assert.True(File.Exists(Path.Combine(_root, "first", "report.html")));
        Assert.DoesNotContain("\"started\"", reused.Output, StringComparison.Ordinal);
        Assert.Equal((0, ""), (second.ExitCode, second.Error));
        foreach (var name in new[] { "metrics.jsonl", "samples.jsonl", "model.safetensors", "mixture.json" })
        {
            var (here, there) = (Files("first", name), Files("second", name));
            Assert.NotEmpty(here);
            Assert.Equal(here.Keys, there.Keys);
            Assert.All(here, file => Assert.Equal(File.ReadAllBytes(file.Value), File.ReadAllBytes(there[file.Key])));
        }
    }

    private const string Chain = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: PretrainRun
        metadata: {name: decoder}
        spec:
          model: {preset: nano}
          data:
            corpus: corpus
            mixture: {web-crawl: 40, encyclopedia: 8, academia: 5, literature: 2, math: 10, code: 35}
          training: {tokens: 1024, sequenceLength: 32, globalBatchSize: 8, validation: {sequences: 8}}
        ---
        apiVersion: visualpriors.dev/v1alpha1
        kind: AlignRun
        metadata: {name: aligned}
        spec:
          from: {kind: PretrainRun, name: decoder}
          visionEncoder: vision-encoder
          captions: captions
          visualTokens: 16
          training: {globalBatchSize: 8, microBatchSize: 4, optimizer: {learningRate: 0.001}}
        ---
        apiVersion: visualpriors.dev/v1alpha1
        kind: SftRun
        metadata: {name: tuned}
        spec:
          from: {kind: AlignRun, name: aligned}
          instructions: instructions
          training: {globalBatchSize: 8, optimizer: {learningRate: 0.001}}
        ---
        apiVersion: visualpriors.dev/v1alpha1
        kind: EvalRun
        metadata: {name: scored}
        spec:
          from: {kind: SftRun, name: tuned}
          suites:
            - {suite: mleBench, data: mle-bench, answering: likelihood, blind: true}
        """;

    private async Task<SortedDictionary<string, string>> PrepareAsync()
    {
        var packages = Environment.GetEnvironmentVariable("VP_PACKAGES");
        Assert.True(Directory.Exists(packages), "VP_PACKAGES must name the node_modules folder that deploy/setup.sh filled (test.sh sets it)");
        var steps = new SortedDictionary<string, string>(StringComparer.Ordinal);
        await DataPreparation.PrepareAsync(
            new PreparationOptions(Data, packages, Seed: 7), Small, new Listener(progress => steps[progress.Step] = progress.Detail), default);
        return steps;
    }

    private void CheckData()
    {
        using var corpus = TextCorpus.Open(Path.Combine(Data, "corpus"));
        corpus.Validate(default);
        Assert.Equal(["academia", "code", "encyclopedia", "literature", "math", "web-crawl"], corpus.Sources.Select(source => source.Name));
        Assert.Equal(512, corpus.VocabularySize);
        using var captions = ImageTextDataset.Open(Path.Combine(Data, "captions"));
        captions.Validate(default);
        var questions = MultipleChoiceDataset.Open(Path.Combine(Data, "mle-bench"));
        questions.Validate(default);
        Assert.Equal((24, 9), (captions.Count, questions.Questions.Count));
    }

    private static void CheckSummary(JsonNode summary)
    {
        Assert.Equal(["initialLoss", "finalValidationLoss", "tokens", "tokensPerSecond", "parameters"], Keys(summary["pretrain"]));
        Assert.Equal(["finalLoss"], Keys(summary["align"]));
        Assert.Equal(["finalLoss"], Keys(summary["sft"]));
        Assert.Equal(["questions", "small", "medium", "large", "overall", "blindOverall"], Keys(summary["mleBench"]));
        Assert.Equal(9, (int)summary["mleBench"]!["questions"]!);
        Assert.Equal(Math.Log(512), (double)summary["pretrain"]!["initialLoss"]!, 0.1);
        Assert.InRange((double)summary["mleBench"]!["overall"]!, 0, 1);

        static IEnumerable<string> Keys(JsonNode? node) => node!.AsObject().Select(property => property.Key);
    }

    private Task<VpRun> RunAsync(string output) =>
        VpRun.Of(["run", "--json", "-f", Manifest, "--data", Data, "--output", Path.Combine(_root, output)]);

    private SortedDictionary<string, string> Files(string output, string name)
    {
        var stages = Path.Combine(_root, output, "stages");
        return new(Directory.GetFiles(stages, name, SearchOption.AllDirectories).ToDictionary(path => Path.GetRelativePath(stages, path)), StringComparer.Ordinal);
    }

    private sealed class Listener(Action<PreparationProgress> hear) : IProgress<PreparationProgress>
    {
        public void Report(PreparationProgress value) => hear(value);
    }
}
