using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Experiments;

/// <summary>A manifest that can be run: checked, planned, with what is finished already.</summary>
/// <param name="Manifest">The manifest.</param>
/// <param name="OutputDirectory">Folder for everything the run leaves.</param>
/// <param name="Stages">Every stage, each after its upstream.</param>
internal sealed record Experiment(Manifest Manifest, string OutputDirectory, IReadOnlyList<ExperimentStage> Stages);

/// <summary>A stage as it stands before the run.</summary>
/// <param name="Planned">Run, digest and plan.</param>
/// <param name="Steps">Optimizer steps, or questions of an evaluation.</param>
/// <param name="Finished">Its verified artifact; null when it is to be computed.</param>
internal sealed record ExperimentStage(PlannedStage Planned, long Steps, Artifact? Finished)
{
    /// <summary>Name of the run.</summary>
    public string Name => Planned.Plan.Run;

    /// <summary>Kind of the artifact it gives: <c>pretrain</c>, <c>align</c>, <c>sft</c> or <c>eval</c>.</summary>
    public string Kind => ArtifactKind.Of(Planned.Plan.Computation);
}
