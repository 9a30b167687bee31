using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Tests.Pipelines;

public sealed class PipelineRulesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("\"name\": \"score\",", "\"name\": \"Sc_ore\",", "spec.stages[3].name", "RFC 1123")]
    [InlineData("\"name\": \"score\",", "\"name\": \"tune\",", "spec.stages[3].name", "a name used once")]
    [InlineData("\"name\": \"score\",", "\"name\": \"a-name-that-is-too-long-for-a-stage-of-a-chain-x\",", "spec.stages[3].name", "at most 52 characters")]
    [InlineData("\"sft\": {", "\"pretrain\": null, \"other\": {", "spec.stages[2].other", "one of align, eval, gates, name, pretrain, sft")]
    [InlineData("\"gates\": [", "\"pretrain\": {\"model\": {\"preset\": \"nano\"}, \"data\": {\"corpus\": \"c\", \"mixture\": {\"code\": 1}}, \"training\": {\"tokens\": 1}}, \"gates\": [", "spec.stages[3]", "exactly one")]
    [InlineData("\"name\": \"text\"}, \"visionEncoder\"", "\"name\": \"txt\"}, \"visionEncoder\"", "spec.stages[1].align.from.name", "did you mean text?")]
    [InlineData("\"name\": \"text\"}, \"visionEncoder\"", "\"name\": \"tune\"}, \"visionEncoder\"", "spec.stages[1].align.from.name", "a stage that is a PretrainRun: text")]
    [InlineData("{\"kind\": \"AlignRun\", \"name\": \"see\"}", "{\"kind\": \"PretrainRun\", \"name\": \"text\"}", "spec.stages[2].sft.from.kind", "one of AlignRun, SftRun")]
    [InlineData("{\"kind\": \"AlignRun\", \"name\": \"see\"}", "{\"kind\": \"SftRun\", \"name\": \"tune\"}", "spec.stages[2].sft.from", "a chain that begins with a stage")]
    [InlineData("\"tokens\": 1000", "\"tokens\": -1", "spec.stages[0].pretrain.training.tokens", "at least 0")]
    [InlineData("\"captions\": \"captions\"", "\"captions\": \"captions\", \"ttlSecondsAfterFinished\": 1", "spec.stages[1].align.ttlSecondsAfterFinished", "the pipeline's own")]
    [InlineData("\"minimum\": 0.25, \"maximum\": 1", "\"minimum\": null", "spec.stages[3].gates[0]", "at least one of the two")]
    [InlineData("\"minimum\": 0.25, \"maximum\": 1", "\"minimum\": 2, \"maximum\": 1", "spec.stages[3].gates[0]", "a minimum of at most the maximum")]
    public void A_broken_rule_names_the_field(string good, string bad, string field, string expected)
    {
        Assert.Contains(good, Stages.Json, StringComparison.Ordinal);

        var error = Assert.Single(Errors("chain", Stages.Json.Replace(good, bad, StringComparison.Ordinal)));

        Assert.Equal(("Pipeline team/chain", field), (error.File, error.Field));
        Assert.Contains(expected, error.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipeline_without_stages_is_refused() => Assert.Equal("at least one stage", Assert.Single(Errors("chain", "{\"stages\": []}")).Expected);

    [Fact]
    public void A_pipelines_name_is_a_label() => Assert.Contains(Errors("Chain", Stages.Json), error => error.Field == "metadata.name");

    [Fact]
    public void A_manifest_gives_a_pipelines_runs_and_knows_their_lines()
    {
        var manifest = ManifestReader.Read(_folder.Write("manifest.yaml", Stages.Yaml));

        Assert.Equal(["chain-text", "chain-see"], manifest.Runs.Select(run => run.Metadata.Name));
        Assert.Equal("chain", Assert.Single(manifest.Pipelines).Metadata.Name);
        var error = manifest.ErrorAt(manifest.Runs[0], "spec.data.corpus", "found", "expected");
        Assert.Equal(("spec.stages[1].pretrain.data.corpus", 15), (error.Field, error.Line));
        Assert.Equal(("spec.stages[0].name", 7), (manifest.ErrorAt(manifest.Runs[1], "metadata.name", "", "").Field, manifest.LineOf(manifest.Runs[1], "metadata.name")));
    }

    [Fact]
    public void A_manifests_mistakes_in_stages_have_lines()
    {
        var path = _folder.Write("manifest.yaml", Stages.Yaml.Replace("tokens: 1000", "tokens: -1", StringComparison.Ordinal));

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => ManifestReader.Read(path)).Errors);

        Assert.Equal(("spec.stages[1].pretrain.training.tokens", 16), (error.Field, error.Line));
    }

    [Fact]
    public void A_run_beside_a_pipeline_may_not_have_a_stages_name()
    {
        var path = _folder.Write("manifest.yaml", Manifests.Chain.Of(Stages.Yaml, Manifests.Chain.Pretrain.Replace("name: decoder", "name: chain-text", StringComparison.Ordinal)));

        Assert.Contains("once per kind", Assert.Single(Assert.Throws<InvalidInputException>(() => ManifestReader.Read(path)).Errors).Expected, StringComparison.Ordinal);
    }

    private static IReadOnlyList<InputError> Errors(string name, string spec) => Assert.Throws<InvalidInputException>(
        () => ResourceReader.ReadPipeline(new ObjectMeta { Name = name, Namespace = "team" }, JsonDocument.Parse(spec).RootElement)).Errors;
}
