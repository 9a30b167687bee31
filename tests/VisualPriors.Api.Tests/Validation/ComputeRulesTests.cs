using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Tests.Manifests;

namespace VisualPriors.Api.Tests.Validation;

public sealed class ComputeRulesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("compute: {nodes: 2, gpusPerNode: 8, sharding: {zeroStage: 3, withinNode: true}, activationCheckpointing: true}")]
    [InlineData("compute: {processesPerNode: 16}")]
    [InlineData("compute: {gpusPerNode: 16, sharding: {zeroStage: 0}}")]
    [InlineData("checkpoint: {everySteps: 0, keepLast: 1, keepEverySteps: 0}")]
    [InlineData("checkpoint: {keepEverySteps: 3_000_000_000}")]
    public void What_makes_sense_is_accepted(string settings) => Assert.Single(ManifestReader.Read(Write($"  {settings}\n")).Runs);

    [Theory]
    [InlineData("compute: {nodes: 0}", "compute.nodes", "a number from 1 to 4096")]
    [InlineData("compute: {nodes: -1, gpusPerNode: 8}", "compute.nodes", "a number from 1 to 4096")]
    [InlineData("compute: {gpusPerNode: -1}", "compute.gpusPerNode", "a number from 0 to 16")]
    [InlineData("compute: {gpusPerNode: 17}", "compute.gpusPerNode", "a number from 0 to 16")]
    [InlineData("compute: {processesPerNode: 0}", "compute.processesPerNode", "a number from 1 to 256")]
    [InlineData("compute: {threads: -1}", "compute.threads", "at least 0")]
    [InlineData("compute: {sharding: {zeroStage: 4}}", "compute.sharding.zeroStage", "a number from 0 to 3")]
    [InlineData("compute: {sharding: {zeroStage: -1}}", "compute.sharding.zeroStage", "a number from 0 to 3")]
    [InlineData("compute: {gpusPerNode: 2, processesPerNode: 2}", "compute.processesPerNode", "nothing beside gpusPerNode")]
    [InlineData("checkpoint: {everySteps: -1}", "checkpoint.everySteps", "at least 0")]
    [InlineData("checkpoint: {keepLast: 0}", "checkpoint.keepLast", "at least 1")]
    [InlineData("checkpoint: {keepEverySteps: -1}", "checkpoint.keepEverySteps", "at least 0")]
    [InlineData("  lossProtection: {maximumSkippedSteps: -1}", "training.lossProtection.maximumSkippedSteps", "at least 0")]
    [InlineData("  lossProtection: {spikeDeviations: -0.5}", "training.lossProtection.spikeDeviations", "at least 0")]
    [InlineData("  lossProtection: {window: 1}", "training.lossProtection.window", "a number from 2 to 1048576")]
    [InlineData("  lossProtection: {maximumRollbacks: -1}", "training.lossProtection.maximumRollbacks", "at least 0")]
    public void What_makes_none_is_named(string settings, string field, string expected)
    {
        // (So many GPUs do not divide the batch, either: that is another rule's to say.)
        var error = Assert.Single(Errors(Write($"  {settings}\n")), error => error.Field == $"spec.{field}");

        Assert.Contains(expected, error.Expected, StringComparison.Ordinal);
        Assert.NotNull(error.Line);
    }

    /// <summary>The global batch is 16.</summary>
    [Theory]
    [InlineData("compute: {processesPerNode: 3}", "a multiple of the number of processes (3)")]
    [InlineData("compute: {nodes: 4, gpusPerNode: 8}", "a multiple of the number of processes (32)")]
    [InlineData("  microBatchSize: 8\n  compute: {processesPerNode: 4}", "a multiple of processes x microBatchSize (4 x 8)")]
    public void Every_process_has_the_same_share_of_a_batch(string settings, string expected)
    {
        var error = Assert.Single(Errors(Write($"  {settings}\n")));

        Assert.Equal(("spec.training.globalBatchSize", "16", expected), (error.Field, error.Found, error.Expected));
    }

    [Theory]
    [InlineData("visualTokens: 16", "visualTokens: 16\n  compute: {processesPerNode: 3}", "spec.training.globalBatchSize")]
    [InlineData("instructions: instructions", "instructions: instructions\n  compute: {processesPerNode: 3}", "spec.training.globalBatchSize")]
    [InlineData("instructions: instructions", "instructions: instructions\n  checkpoint: {keepLast: 0}", "spec.checkpoint.keepLast")]
    [InlineData("      blind: true", "      blind: true\n  compute: {processesPerNode: 2}", "spec.compute")]
    [InlineData("      blind: true", "      blind: true\n  compute: {gpusPerNode: 1}", null)]
    public void Every_kind_of_run_is_held_to_them(string good, string bad, string? field)
    {
        var path = _folder.Write("manifest.yaml", Chain.Of(Chain.Pretrain, Chain.Align, Chain.Sft, Chain.Eval).Replace(good, bad, StringComparison.Ordinal));

        if (field is null)
        {
            Assert.Equal(4, ManifestReader.Read(path).Runs.Count);
        }
        else
        {
            Assert.Equal(field, Assert.Single(Errors(path)).Field);
        }
    }

    private static IReadOnlyList<InputError> Errors(string path) => Assert.Throws<InvalidInputException>(() => ManifestReader.Read(path)).Errors;

    private string Write(string settings) => _folder.Write("manifest.yaml", Chain.Pretrain + settings);
}
