using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Tests.Manifests;

public sealed class ResourceReaderTests
{
    private const string Align = """
        {
          "from": {"kind": "PretrainRun", "name": "decoder"},
          "visionEncoder": "vision-encoder",
          "captions": "captions",
          "visualTokens": 16,
          "training": {"epochs": 0.5, "optimizer": {"learningRate": 3e-3, "warmupSteps": 5}},
          "compute": {"pod": {"labels": {"team": "7"}, "environment": {"NCCL_DEBUG": "true"}}}
        }
        """;

    private static readonly ObjectMeta Metadata = new() { Name = "aligned", Namespace = "team", Labels = new Dictionary<string, string> { ["n"] = "7" } };

    [Fact]
    public void A_resource_is_the_same_run_as_its_manifest()
    {
        using var folder = new TemporaryFolder();
        var manifest = ManifestReader.Read(folder.Write("manifest.yaml", Chain.Of(Chain.Pretrain, Chain.Align + """
              training: {epochs: 0.5, optimizer: {learningRate: 0.003, warmupSteps: 5}}
            """)));

        var run = Assert.IsType<AlignRun>(ResourceReader.ReadRun("AlignRun", Metadata, Parse(Align)));

        Assert.Equal(((AlignRun)manifest.Runs[1]).Spec with { Compute = run.Spec.Compute }, run.Spec);
        Assert.Equal(0.0, run.Spec.Training.Optimizer.WarmupRatio);
        Assert.Equal(0.999, run.Spec.Training.Optimizer.Beta2);
        Assert.Equal("7", run.Spec.Compute.Pod!.Labels!["team"]);
        Assert.Equal("true", run.Spec.Compute.Pod.Environment!["NCCL_DEBUG"]);
        Assert.Equal(("aligned", "team", "7"), (run.Metadata.Name, run.Metadata.Namespace, run.Metadata.Labels!["n"]));
    }

    [Theory]
    [InlineData("\"visualTokens\": 16", "\"visualToken\": 16", "spec.visualToken", "did you mean visualTokens?")]
    [InlineData("\"visualTokens\": 16", "\"visualTokens\": \"16\"", "spec.visualTokens", "a whole number")]
    [InlineData("\"visualTokens\": 16", "\"visualTokens\": 1.5", "spec.visualTokens", "a whole number")]
    [InlineData("\"captions\": \"captions\"", "\"captions\": 7", "spec.captions", "text")]
    [InlineData("\"captions\": \"captions\"", "\"captions\": null", "spec.captions", "text")]
    [InlineData("\"captions\": \"captions\"", "\"captions\": \"../x\"", "spec.captions", "below the data root")]
    [InlineData("\"visualTokens\": 16", "\"visualTokens\": 15", "spec.visualTokens", "a square number")]
    [InlineData("\"kind\": \"PretrainRun\"", "\"kind\": \"EvalRun\"", "spec.from.kind", "PretrainRun")]
    public void A_wrong_field_is_named_and_so_is_the_resource(string good, string bad, string field, string expected)
    {
        var error = Assert.Single(Errors("AlignRun", Metadata, Align.Replace(good, bad, StringComparison.Ordinal)));

        Assert.Equal(("AlignRun team/aligned", field, null), (error.File, error.Field, error.Line));
        Assert.Contains(expected, error.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_come_together()
    {
        var errors = Errors("AlignRun", Metadata with { Name = new string('a', 53) }, Align
            .Replace("\"visualTokens\": 16", "\"visualTokens\": 15", StringComparison.Ordinal)
            .Replace("\"epochs\": 0.5", "\"epochs\": -1", StringComparison.Ordinal));

        Assert.Equal(["metadata.name", "spec.training.epochs", "spec.visualTokens"], errors.Select(error => error.Field!).Order(StringComparer.Ordinal));
        Assert.Contains(errors, error => error.Expected == "at most 52 characters");
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("7")]
    public void A_spec_that_is_none_is_refused(string spec) => Assert.All(Errors("AlignRun", Metadata, spec), error => Assert.StartsWith("spec", error.Field, StringComparison.Ordinal));

    [Fact]
    public void A_missing_spec_is_refused() =>
        Assert.Equal("spec", Assert.Single(Assert.Throws<InvalidInputException>(() => ResourceReader.ReadRun("EvalRun", Metadata, default)).Errors).Field);

    [Fact]
    public void A_pipeline_is_read_with_its_stages_defaults()
    {
        var pipeline = ResourceReader.ReadPipeline(Metadata with { Name = "chain" }, Parse(Pipelines.Stages.Json));

        Assert.Equal(["text", "see", "tune", "score"], pipeline.Spec.Stages.Select(stage => stage.Name));
        Assert.Equal(1e-3, pipeline.Spec.Stages[1].Align!.Training.Optimizer.LearningRate);
        Assert.Equal(0.25, pipeline.Spec.Stages[3].Gates![0].Minimum);
    }

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;

    private static IReadOnlyList<InputError> Errors(string kind, ObjectMeta metadata, string spec) =>
        Assert.Throws<InvalidInputException>(() => ResourceReader.ReadRun(kind, metadata, Parse(spec))).Errors;
}
