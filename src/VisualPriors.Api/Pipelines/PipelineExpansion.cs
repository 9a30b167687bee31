using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Pipelines;

/// <summary>A stage and the run that it is.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Run">Its run.</param>
public sealed record StageRun(PipelineStage Stage, Run Run);

/// <summary>Makes a pipeline's runs of its stages.</summary>
public static class PipelineExpansion
{
    /// <summary>Label of a run with the name of its pipeline.</summary>
    public const string PipelineLabel = "visualpriors.dev/pipeline";

    /// <summary>Label of a run with the name of its stage.</summary>
    public const string StageLabel = "visualpriors.dev/stage";

    /// <summary>The runs of a valid pipeline, each after its upstream.</summary>
    /// <param name="pipeline">A pipeline that keeps every rule.</param>
    public static IReadOnlyList<Run> Runs(Pipeline pipeline) => [.. Stages(pipeline).Select(stage => stage.Run)];

    /// <summary>The stages of a valid pipeline with their runs, each after its upstream; otherwise as they were given.</summary>
    /// <param name="pipeline">A pipeline that keeps every rule.</param>
    /// <exception cref="InvalidInputException">A stage is none: the pipeline was not validated.</exception>
    public static IReadOnlyList<StageRun> Stages(Pipeline pipeline)
    {
        var stages = pipeline.Spec.Stages
            .Select(stage => new StageRun(stage, RunOf(pipeline, stage) ?? throw new InvalidInputException(
                $"Pipeline {pipeline.Metadata.Name}", "spec.stages", $"'{stage.Name}'", "stages with exactly one spec")))
            .ToList();
        return [.. RunGraph.Order([.. stages.Select(stage => stage.Run)]).Select(run => stages.Single(stage => ReferenceEquals(stage.Run, run)))];
    }

    /// <summary>Name of a stage's run.</summary>
    public static string NameOf(string pipeline, string stage) => $"{pipeline}-{stage}";

    /// <summary>The run that a stage is; null where it gives no spec. Of several specs the first counts: that is a rule's to refuse.</summary>
    internal static Run? RunOf(Pipeline pipeline, PipelineStage stage)
    {
        var metadata = new ObjectMeta
        {
            Name = NameOf(pipeline.Metadata.Name, stage.Name),
            Namespace = pipeline.Metadata.Namespace,
            Labels = new Dictionary<string, string> { [PipelineLabel] = pipeline.Metadata.Name, [StageLabel] = stage.Name },
        };
        return stage switch
        {
            { Pretrain: { } spec } => new PretrainRun { Metadata = metadata, Spec = spec with { Suspend = IsHeld(spec) } },
            { Align: { } spec } => new AlignRun { Metadata = metadata, Spec = spec with { Suspend = IsHeld(spec), From = Rewrite(spec.From) } },
            { Sft: { } spec } => new SftRun { Metadata = metadata, Spec = spec with { Suspend = IsHeld(spec), From = Rewrite(spec.From) } },
            { Eval: { } spec } => new EvalRun { Metadata = metadata, Spec = spec with { Suspend = IsHeld(spec), From = Rewrite(spec.From) } },
            _ => null,
        };

        bool IsHeld(RunSpec spec) => spec.Suspend || pipeline.Spec.Suspend;

        RunReference Rewrite(RunReference stageReference) => stageReference with { Name = NameOf(pipeline.Metadata.Name, stageReference.Name) };
    }
}
