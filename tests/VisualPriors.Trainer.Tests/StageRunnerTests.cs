using VisualPriors.Api.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Data.Text;
using VisualPriors.Data.Tokenization;
using VisualPriors.Distributed.Communication;
using VisualPriors.Storage;

namespace VisualPriors.Trainer.Tests;

public sealed class StageRunnerTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("vp-stage-").FullName;

    public StageRunnerTests()
    {
        var documents = Enumerable.Range(0, 40).Select(i => new TextDocument("math", $"{i} and {i} make {i + i}")).ToList();
        var tokenizer = Path.Combine(_root, "tokenizer.json");
        BytePairTrainer.Train(documents.Select(document => document.Text), 262, default).Save(tokenizer);
        using var corpus = new ArtifactWriter(Corpus);
        CorpusBuilder.Build([new("math", "", "")], documents, tokenizer, corpus, 0.2, default);
        corpus.Commit(ArtifactKind.TextCorpus);
    }

    private string Corpus => Path.Combine(_root, "corpus");

    private string Output => Path.Combine(_root, "stages", "out");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_stage_that_succeeds_commits_its_artifact_with_plan_digest_and_outcome()
    {
        var plan = Plan();

        var outcome = StageRunner.Run(Write(plan), null, Alone, _ => { }, _ => { }, default);

        Assert.Equal(StageResult.Succeeded, outcome.Result);
        var artifact = Artifact.Open(Output, ArtifactKind.Pretrain);
        artifact.Verify(default);
        Assert.Equal(outcome.ArtifactDigest, artifact.Digest);
        Assert.Equal(StageDigest.Of(plan.Computation), artifact.Manifest.StageDigest);
        Assert.Equal(64, outcome.Results!["tokens"]);
        Assert.Equal(
            ["language-model/config.json", "language-model/model.safetensors", "language-model/tokenizer.json", "metrics.jsonl", "mixture.json", "plan.json"],
            artifact.Manifest.Files.Select(file => file.Path));
    }

    [Fact]
    public void No_tokens_give_the_untrained_decoder()
    {
        var outcome = StageRunner.Run(Write(Plan(tokens: 0)), null, Alone, _ => { }, _ => { }, default);

        Assert.Equal(StageResult.Succeeded, outcome.Result);
        Assert.Equal(outcome.Results!["initialLoss"], outcome.Results["finalValidationLoss"]);
    }

    [Fact]
    public void A_damaged_input_is_the_user_s_to_mend_and_nothing_is_written()
    {
        var path = Path.Combine(Corpus, "math", "train.bin");
        var bytes = File.ReadAllBytes(path);
        bytes[3] ^= 1;
        File.WriteAllBytes(path, bytes);

        var outcome = StageRunner.Run(Write(Plan()), null, Alone, _ => { }, _ => { }, default);

        Assert.Equal(StageResult.UserError, outcome.Result);
        Assert.Contains("train.bin", outcome.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output));
    }

    [Fact]
    public void A_plan_that_is_not_there_is_the_user_s_to_mend() =>
        Assert.Equal(StageResult.UserError, StageRunner.Run(Path.Combine(_root, "no.json"), null, Alone, _ => { }, _ => { }, default).Result);

    [Fact]
    public void A_rate_that_blows_weights_up_ends_as_diverged_with_the_step_named()
    {
        var outcome = StageRunner.Run(Write(Plan(tokens: 3200, learningRate: 1e30)), null, Alone, _ => { }, _ => { }, default);

        Assert.Equal(StageResult.Diverged, outcome.Result);
        Assert.Matches("not finite at step [0-9]+", outcome.Message);
        Assert.False(Directory.Exists(Output));
    }

    [Fact]
    public void Stopping_leaves_nothing_behind()
    {
        using var stop = new CancellationTokenSource();

        var outcome = StageRunner.Run(Write(Plan(tokens: 1_000_000)), null, Alone, _ => stop.Cancel(), _ => { }, stop.Token);

        Assert.Equal(StageResult.Interrupted, outcome.Result);
        Assert.Empty(Directory.GetDirectories(Path.GetDirectoryName(Output)!));
    }

    private static RendezvousSettings Alone() => RendezvousSettings.FromEnvironment();

    private string Write(StagePlan plan)
    {
        var path = Path.Combine(_root, "plan.json");
        File.WriteAllBytes(path, PlanJson.Write(plan));
        return path;
    }

    private StagePlan Plan(long tokens = 64, double learningRate = 0.01) => new()
    {
        Version = StagePlan.CurrentVersion,
        Run = "decoder",
        Computation = new PretrainComputation
        {
            Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = Artifact.Open(Corpus).Digest },
            Seed = 42,
            Precision = Precision.Fp32,
            Model = new DecoderDimensions { Layers = 1, HiddenSize = 16, Heads = 2, KeyValueHeads = 1, FeedForwardSize = 32 },
            Mixture = new Dictionary<string, decimal> { ["math"] = 1 },
            Training = new PretrainTrainingSpec
            {
                Tokens = tokens,
                SequenceLength = 16,
                GlobalBatchSize = 4,
                Optimizer = new OptimizerSpec { LearningRate = learningRate },
                Validation = new ValidationSpec { EverySteps = 0, Sequences = 2 },
            },
        },
        Placement = new StagePlacement
        {
            Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = Corpus },
            Output = Output,
            Compute = new ComputeSpec { Threads = 1 },
        },
    };
}
