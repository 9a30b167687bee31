using VisualPriors.Api.Errors;
using VisualPriors.Cli.Experiments;
using VisualPriors.Cli.Trainer;

namespace VisualPriors.Cli.Tests.Trainer;

public sealed class LocalMachineTests : IDisposable
{
    private readonly TinyExperiment _experiment = new();

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public async Task Several_nodes_are_refused_before_anything_starts()
    {
        Write("compute: {nodes: 2}");

        var run = await VpRun.Of(["run", .. _experiment.Options]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("tiny.yaml:10: spec.compute.nodes: found 2, expected 1: `vp run` computes on this machine alone", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_experiment.Output));
    }

    [Theory]
    [InlineData(false, 0, true)]
    [InlineData(false, 2, false)]
    [InlineData(true, 2, true)]
    public void GPUs_are_asked_for_only_where_there_are_some(bool hasGpu, int asked, bool isFine)
    {
        Write($"compute: {{gpusPerNode: {asked}}}");
        var experiment = ExperimentLoader.Load(_experiment.Manifest, _experiment.Data, _experiment.Output, default);

        var failure = Record.Exception(() => LocalMachine.Check(experiment, hasGpu)) as InvalidInputException;

        Assert.Equal(isFine, failure is null);
        Assert.Equal(isFine ? null : "spec.compute.gpusPerNode", failure?.Errors.Single().Field);
    }

    private void Write(string compute) => _experiment.Write(
        TinyExperiment.Chain.Split("---")[0] + $"  {compute}\n");
}
