using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Tests.Manifests;

public sealed class ManifestReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Reads_every_kind_in_order()
    {
        var manifest = Read(Chain.Of(Chain.Pretrain, Chain.Align, Chain.Sft, Chain.Eval));

        Assert.Equal(["PretrainRun", "AlignRun", "SftRun", "EvalRun"], manifest.Runs.Select(run => run.Kind));
        var pretrain = Assert.IsType<PretrainRun>(manifest.Runs[0]);
        Assert.Equal(3_000_000, pretrain.Spec.Training.Tokens);
        Assert.Equal(35.5m, pretrain.Spec.Data.Mixture["code"]);
        var eval = Assert.IsType<EvalRun>(manifest.Runs[3]);
        Assert.Equal(EvalSuiteKind.MleBench, eval.Spec.Suites[0].Suite);
        Assert.True(eval.Spec.Suites[0].Blind);
    }

    [Fact]
    public void What_is_not_given_is_the_papers()
    {
        var manifest = Read(Chain.Of(Chain.Pretrain, Chain.Align, Chain.Sft));

        var pretrain = (PretrainRun)manifest.Runs[0];
        Assert.Equal(42, pretrain.Spec.Seed);
        Assert.Equal(Precision.Bf16, pretrain.Spec.Compute.Precision);
        Assert.Equal(
            new OptimizerSpec { LearningRate = 3e-4, WarmupSteps = 1024, WeightDecay = 0.1, Epsilon = 1e-15 },
            pretrain.Spec.Training.Optimizer);
        var align = (AlignRun)manifest.Runs[1];
        Assert.Equal(
            new OptimizerSpec { LearningRate = 1e-3, WarmupRatio = 0.06, MinimumLearningRateRatio = 0, Beta2 = 0.999 },
            align.Spec.Training.Optimizer);
        Assert.Equal(512, align.Spec.Training.GlobalBatchSize);
        var sft = (SftRun)manifest.Runs[2];
        Assert.Equal(4e-5, sft.Spec.Training.Optimizer.LearningRate);
    }

    [Fact]
    public void A_part_of_a_nested_value_keeps_its_parents_defaults_for_the_rest()
    {
        var manifest = Read(Chain.Of(Chain.Pretrain, Chain.Align + """
              training:
                globalBatchSize: 8
                optimizer:
                  learningRate: 0.5

            """));

        var training = ((AlignRun)manifest.Runs[1]).Spec.Training;
        Assert.Equal(8, training.GlobalBatchSize);
        Assert.Equal(2048, training.MaximumLength);
        Assert.Equal(
            new OptimizerSpec { LearningRate = 0.5, WarmupRatio = 0.06, MinimumLearningRateRatio = 0, Beta2 = 0.999 },
            training.Optimizer);
    }

    [Fact]
    public void One_way_to_give_the_warmup_replaces_the_other_ways_default()
    {
        var manifest = Read(Chain.Of(
            Chain.Pretrain + "    optimizer: {warmupRatio: 0.1}\n",
            Chain.Align + "  training: {optimizer: {warmupSteps: 5}}\n"));

        var pretrain = ((PretrainRun)manifest.Runs[0]).Spec.Training.Optimizer;
        Assert.Equal((0, 0.1), (pretrain.WarmupSteps, pretrain.WarmupRatio));
        Assert.Equal(1e-15, pretrain.Epsilon);
        var align = ((AlignRun)manifest.Runs[1]).Spec.Training.Optimizer;
        Assert.Equal((5, 0.0), (align.WarmupSteps, align.WarmupRatio));
    }

    [Fact]
    public void An_empty_section_means_its_defaults()
    {
        var manifest = Read(Chain.Of(Chain.Pretrain, Chain.Align + "  training:\n    # optimizer:\n  compute: null\n"));

        Assert.Equal(1e-3, ((AlignRun)manifest.Runs[1]).Spec.Training.Optimizer.LearningRate);
    }

    [Theory]
    [InlineData("preset: nano", "pressed: nano", "spec.model.pressed", "'pressed'", "did you mean preset?", 7)]
    [InlineData("sequenceLength: 256", "sequenceLength: short", "spec.training.sequenceLength", "short", "a whole number", 15)]
    [InlineData("sequenceLength: 256", "sequenceLength: 2.5", "spec.training.sequenceLength", "2.5", "a whole number", 15)]
    [InlineData("sequenceLength: 256", "sequenceLength: 0256", "spec.training.sequenceLength", "0256", "a whole number", 15)]
    [InlineData("sequenceLength: 256", "sequenceLength: \"256\"", "spec.training.sequenceLength", "the text \"256\"", "a whole number", 15)]
    [InlineData("sequenceLength: 256", "sequenceLength: 3000000000", "spec.training.sequenceLength", "3000000000", "at most 2147483647", 15)]
    [InlineData("sequenceLength: 256", "sequenceLength: [256]", "spec.training.sequenceLength", "a list", "a whole number", 15)]
    [InlineData("corpus: corpus", "corpus: 7", "spec.data.corpus", "7", "text (quote it: \"7\")", 9)]
    [InlineData("corpus: corpus", "corpus:", "spec.data.corpus", "nothing", "text", 9)]
    [InlineData("code: 35.5", "code: many", "spec.data.mixture.code", "many", "a number", 12)]
    [InlineData("code: 35.5", "web-crawl: 35.5", "spec.data.mixture.web-crawl", "the field a second time", "every field once", 12)]
    [InlineData("sequenceLength: 256", "tokens: 256", "spec.training.tokens", "the field a second time", "every field once", 15)]
    [InlineData("tokens: 3_000_000", "seed: 1", "spec.training.tokens", "nothing", "a whole number", 13)]
    [InlineData("name: decoder", "labels: {}", "metadata.name", "nothing", "text", 3)]
    [InlineData("kind: PretrainRun", "kind: PretrianRun", "kind", "PretrianRun", "did you mean PretrainRun?", 2)]
    [InlineData("visualpriors.dev/v1alpha1", "visualpriors.dev/v2", "apiVersion", "visualpriors.dev/v2", "visualpriors.dev/v1alpha1", 1)]
    public void A_wrong_field_is_named_with_its_line(string good, string bad, string field, string found, string expected, int line)
    {
        Assert.Contains(good, Chain.Pretrain, StringComparison.Ordinal);

        var error = Errors(Chain.Pretrain.Replace(good, bad, StringComparison.Ordinal)).First(error => error.Field == field);

        Assert.Contains(found, error.Found, StringComparison.Ordinal);
        Assert.Contains(expected, error.Expected, StringComparison.Ordinal);
        Assert.Equal(line, error.Line);
    }

    [Fact]
    public void A_wrong_enum_member_lists_the_right_ones()
    {
        var error = Assert.Single(Errors(Chain.Pretrain + "  compute: {precision: BF16}\n"));

        Assert.Equal(("spec.compute.precision", "BF16", "one of bf16, fp32; did you mean bf16?"), (error.Field, error.Found, error.Expected));
    }

    [Fact]
    public void All_errors_of_a_file_come_together()
    {
        var errors = Errors(Chain.Of(
            Chain.Pretrain.Replace("corpus: corpus", "corpse: corpus", StringComparison.Ordinal),
            Chain.Align.Replace("visualTokens: 16", "visualTokens: 15", StringComparison.Ordinal),
            Chain.Sft.Replace("instructions:", "instruction:", StringComparison.Ordinal)));

        Assert.Equal(
            ["spec.data.corpse", "spec.data.corpus", "spec.instruction", "spec.instructions", "spec.visualTokens"],
            errors.Select(error => error.Field!).Order(StringComparer.Ordinal));
        Assert.Equal(errors.Select(error => error.Line).Order(), errors.Select(error => error.Line));
    }

    [Theory]
    [InlineData("a: &anchor 1\nb: *anchor\n", "anchor", 1)]
    [InlineData("a: 1\nb: *anchor\n", "alias", 2)]
    [InlineData("a: 1\nb: !!binary aGk=\n", "tag", 2)]
    [InlineData("a: 1\n? [b]\n: 2\n", "key that is no scalar", 2)]
    [InlineData("a: 1\nb: [1, 2\n", "does not parse", 3)]
    [InlineData("a: 1\nb: {c: d, e: f\n  g: -h}\n", "does not parse", 3)]
    [InlineData("- a\n", "no mapping", 1)]
    [InlineData("# nothing\n---\n", "no document", null)]
    public void Yaml_outside_the_subset_is_refused(string yaml, string found, int? line)
    {
        var error = Assert.Single(Errors(yaml));

        Assert.Contains(found, error.Found, StringComparison.Ordinal);
        Assert.Equal(line, error.Line);
    }

    [Fact]
    public void Deep_nesting_is_refused() => Assert.Contains("nesting", Assert.Single(Errors(new string('[', 100_000))).Found, StringComparison.Ordinal);

    [Fact]
    public void A_large_file_is_refused() =>
        Assert.Contains("bytes", Assert.Single(Errors(new string('#', YamlTree.MaximumBytes + 1))).Found, StringComparison.Ordinal);

    [Fact]
    public void Bytes_that_are_no_text_are_refused()
    {
        var path = Path.Combine(_folder.Path, "binary.yaml");
        File.WriteAllBytes(path, [(byte)'a', 0xff, 0xfe]);

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => ManifestReader.Read(path)).Errors);

        Assert.Contains("no UTF-8", error.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        var path = Path.Combine(_folder.Path, "missing.yaml");

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => ManifestReader.Read(path)).Errors);

        Assert.Equal((path, "no such file"), (error.File, error.Found));
    }

    [Fact]
    public void A_field_that_was_not_given_has_the_line_of_what_is_around_it()
    {
        var manifest = Read(Chain.Pretrain);

        Assert.Equal(15, manifest.LineOf(manifest.Runs[0], "spec.training.sequenceLength"));
        Assert.Equal(13, manifest.LineOf(manifest.Runs[0], "spec.training.optimizer.beta1"));
        Assert.Equal(1, manifest.LineOf(manifest.Runs[0], "status"));
    }

    private Manifest Read(string yaml) => ManifestReader.Read(_folder.Write("manifest.yaml", yaml));

    private IReadOnlyList<InputError> Errors(string yaml) => Assert.Throws<InvalidInputException>(() => Read(yaml)).Errors;
}
