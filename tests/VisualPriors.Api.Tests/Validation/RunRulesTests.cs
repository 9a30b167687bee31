using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Tests.Manifests;

namespace VisualPriors.Api.Tests.Validation;

public sealed class RunRulesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("name: scored", "name: Sco_red", "metadata.name", "RFC 1123")]
    [InlineData("name: scored", "name: a-name-of-more-than-fifty-two-characters-is-too-long-a-name", "metadata.name", "at most 52 characters")]
    [InlineData("  name: decoder\n", "  name: decoder\n  namespace: -x\n", "metadata.namespace", "RFC 1123")]
    [InlineData("preset: nano", "preset: nanno", "spec.model.preset", "did you mean nano?")]
    [InlineData("preset: nano", "preset: nano\n    dimensions: {layers: 1, hiddenSize: 8, heads: 2, keyValueHeads: 1, feedForwardSize: 8}", "spec.model", "one of the two")]
    [InlineData("preset: nano", "preset: null", "spec.model", "one of the two")]
    [InlineData("preset: nano", "dimensions: {layers: 1, hiddenSize: 8, heads: 3, keyValueHeads: 1, feedForwardSize: 8}", "spec.model.dimensions.heads", "a divisor of hiddenSize (8)")]
    [InlineData("preset: nano", "dimensions: {layers: 1, hiddenSize: 6, heads: 2, keyValueHeads: 1, feedForwardSize: 8}", "spec.model.dimensions.heads", "even width")]
    [InlineData("preset: nano", "dimensions: {layers: 1, hiddenSize: 8, heads: 4, keyValueHeads: 3, feedForwardSize: 8}", "spec.model.dimensions.keyValueHeads", "a divisor of heads (4)")]
    [InlineData("preset: nano", "dimensions: {layers: 0, hiddenSize: 8, heads: 4, keyValueHeads: 4, feedForwardSize: 8}", "spec.model.dimensions.layers", "at least 1")]
    [InlineData("preset: nano", "dimensions: {layers: 1, hiddenSize: 8, heads: 4, keyValueHeads: 4, feedForwardSize: 8, ropeTheta: 0}", "spec.model.dimensions.ropeTheta", "above 0")]
    [InlineData("corpus: corpus", "corpus: ../corpus", "spec.data.corpus", "no '..'")]
    [InlineData("corpus: corpus", "corpus: /corpus", "spec.data.corpus", "no '..'")]
    [InlineData("corpus: corpus", "corpus: a/../b", "spec.data.corpus", "no '..'")]
    [InlineData("corpus: corpus", "corpus: \"a\\\\b\"", "spec.data.corpus", "no '..'")]
    [InlineData("web-crawl: 40", "web-crawl: -1", "spec.data.mixture.web-crawl", "from 0")]
    [InlineData("web-crawl: 40", "web-crawl: 0.1234567", "spec.data.mixture.web-crawl", "at most 6 decimals")]
    [InlineData("web-crawl: 40\n      code: 35.5", "web-crawl: 0\n      code: 0.0", "spec.data.mixture", "above 0")]
    [InlineData("mixture:\n      web-crawl: 40\n      code: 35.5", "mixture: {}", "spec.data.mixture", "at least one source")]
    [InlineData("tokens: 3_000_000", "tokens: -1", "spec.training.tokens", "at least 0")]
    [InlineData("sequenceLength: 256", "sequenceLength: 0", "spec.training.sequenceLength", "at least 1")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 0", "spec.training.globalBatchSize", "at least 1")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n    microBatchSize: 5", "spec.training.microBatchSize", "a divisor of globalBatchSize (16)")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n    microBatchSize: 0", "spec.training.microBatchSize", "at least 1")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n    validation: {sequences: 0}", "spec.training.validation.sequences", "at least 1")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n    optimizer: {learningRate: 0}", "spec.training.optimizer.learningRate", "above 0")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n    optimizer: {beta2: 1}", "spec.training.optimizer.beta2", "below 1")]
    [InlineData("globalBatchSize: 16", "globalBatchSize: 16\n    optimizer: {warmupSteps: 1, warmupRatio: 0.1}", "spec.training.optimizer", "one of the two")]
    [InlineData("visualTokens: 16", "visualTokens: 17", "spec.visualTokens", "a square number")]
    [InlineData("visualTokens: 16", "visualTokens: 0", "spec.visualTokens", "a number from 1 to 4096")]
    [InlineData("visualTokens: 16", "training: {maximumLength: 576}", "spec.training.maximumLength", "more than the 576 visual tokens")]
    [InlineData("visualTokens: 16", "training: {epochs: 0}", "spec.training.epochs", "above 0")]
    [InlineData("visualTokens: 16", "compute: {threads: -1}", "spec.compute.threads", "at least 0")]
    [InlineData("captions: captions", "captions: .hidden", "spec.captions", "no '..'")]
    [InlineData("{kind: PretrainRun, name: decoder}", "{kind: PretrainRun, name: decode}", "spec.from.name", "did you mean decoder?")]
    [InlineData("{kind: PretrainRun, name: decoder}", "{kind: SftRun, name: tuned}", "spec.from.kind", "PretrainRun")]
    [InlineData("{kind: AlignRun, name: aligned}", "{kind: PretrainRun, name: decoder}", "spec.from.kind", "one of AlignRun, SftRun")]
    [InlineData("{kind: SftRun, name: tuned}\n  suites", "{kind: AlignRun, name: aligned}\n  suites", "spec.from.kind", "SftRun")]
    [InlineData("name: tuned-again", "name: tuned", "metadata.name", "once per kind")]
    [InlineData("suites:\n    - suite: mleBench\n      data: mle-bench\n      blind: true", "suites: []", "spec.suites", "at least one suite")]
    [InlineData("data: mle-bench", "data: mle bench", "spec.suites[0].data", "no '..'")]
    public void A_broken_rule_names_the_field(string good, string bad, string field, string expected)
    {
        var chain = Chain.Of(Chain.Pretrain, Chain.Align, Chain.Sft, Chain.SecondSft, Chain.Eval);
        Assert.Contains(good, chain, StringComparison.Ordinal);

        var error = Assert.Single(Errors(chain.Replace(good, bad, StringComparison.Ordinal)));

        Assert.Equal(field, error.Field);
        Assert.Contains(expected, error.Expected, StringComparison.Ordinal);
        Assert.NotNull(error.Line);
    }

    [Fact]
    public void A_cycle_is_named()
    {
        var error = Assert.Single(Errors(Chain.Of(
            Chain.SecondSft,
            Chain.Sft.Replace("{kind: AlignRun, name: aligned}", "{kind: SftRun, name: tuned-again}", StringComparison.Ordinal))));

        Assert.Equal(("spec.from", "the cycle tuned-again <- tuned <- tuned-again", 6), (error.Field, error.Found, error.Line));
    }

    [Fact]
    public void A_run_that_starts_from_itself_is_a_cycle()
    {
        var errors = Errors(Chain.Sft.Replace("{kind: AlignRun, name: aligned}", "{kind: SftRun, name: tuned}", StringComparison.Ordinal));

        Assert.Equal("the cycle tuned <- tuned", Assert.Single(errors).Found);
    }

    private IReadOnlyList<InputError> Errors(string yaml) =>
        Assert.Throws<InvalidInputException>(() => ManifestReader.Read(_folder.Write("manifest.yaml", yaml))).Errors;
}
