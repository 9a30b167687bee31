using VisualPriors.Api.Models;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Plans;

/// <summary>A run and what it comes to.</summary>
/// <param name="Run">The run.</param>
/// <param name="Digest">Its stage digest.</param>
/// <param name="Plan">Its plan.</param>
public sealed record PlannedStage(Run Run, string Digest, StagePlan Plan);

/// <summary>
/// Turns runs into plans. A chain's digests follow from the manifest and the prepared data alone, so all plans are known before
/// anything runs.
/// </summary>
public static class StagePlanner
{
    /// <summary>The plans of validated runs, each after its upstream's.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="data">Every prepared data set that <see cref="DataRequirement.Of"/> names, by its name.</param>
    /// <param name="places">Where artifacts and checkpoints go.</param>
    public static IReadOnlyList<PlannedStage> Plan(IReadOnlyList<Run> runs, IReadOnlyDictionary<string, DataSet> data, StagePlaces places)
    {
        var stages = new List<PlannedStage>();
        foreach (var run in RunGraph.Order(runs))
        {
            var inputs = new SortedDictionary<string, DataSet>(StringComparer.Ordinal);
            foreach (var (role, input) in InputsOf(run, stages, data))
            {
                inputs.Add(role, input);
            }

            var computation = Compute(run, inputs.ToDictionary(input => input.Key, input => input.Value.Digest));
            var digest = StageDigest.Of(computation);
            var plan = new StagePlan
            {
                Version = StagePlan.CurrentVersion,
                Run = run.Metadata.Name,
                Computation = computation,
                Placement = new StagePlacement
                {
                    Inputs = inputs.ToDictionary(input => input.Key, input => input.Value.Directory),
                    Output = places.ArtifactOf(digest),
                    // Pods are the operator's business alone.
                    Compute = run.Compute with { Pod = null },
                    Checkpoints = run.Checkpoint is { } policy
                        ? new CheckpointPlacement { Address = places.CheckpointsOf(digest), Policy = policy }
                        : null,
                },
            };
            stages.Add(new PlannedStage(run, digest, plan));
        }

        return stages;
    }

    private static StageComputation Compute(Run run, IReadOnlyDictionary<string, string> inputs) => run switch
    {
        PretrainRun { Spec: var spec } => new PretrainComputation
        {
            Inputs = inputs,
            Seed = spec.Seed,
            Precision = spec.Compute.Precision,
            Model = spec.Model.Dimensions ?? DecoderPresets.All[spec.Model.Preset!],
            // By name, so that the order of lines in a manifest changes nothing.
            Mixture = new SortedDictionary<string, decimal>(spec.Data.Mixture.ToDictionary(), StringComparer.Ordinal),
            Training = spec.Training,
        },
        AlignRun { Spec: var spec } => new AlignComputation
        {
            Inputs = inputs,
            Seed = spec.Seed,
            Precision = spec.Compute.Precision,
            VisualTokens = spec.VisualTokens,
            Training = spec.Training,
        },
        SftRun { Spec: var spec } => new SftComputation
        {
            Inputs = inputs,
            Seed = spec.Seed,
            Precision = spec.Compute.Precision,
            Blind = spec.Blind,
            Training = spec.Training,
        },
        EvalRun { Spec: var spec } => new EvalComputation
        {
            Inputs = inputs,
            Seed = spec.Seed,
            Precision = spec.Compute.Precision,
            Suites = spec.Suites,
        },
        _ => throw new ArgumentException($"no stage for a {run.Kind}", nameof(run)),
    };

    private static IEnumerable<(string Role, DataSet Input)> InputsOf(Run run, List<PlannedStage> stages, IReadOnlyDictionary<string, DataSet> data)
    {
        switch (run)
        {
            case PretrainRun { Spec: var spec }:
                yield return (StageInputs.Corpus, data[spec.Data.Corpus]);
                break;
            case AlignRun { Spec: var spec }:
                yield return (StageInputs.LanguageModel, OutputOf(StageBefore(run, stages)));
                yield return (StageInputs.VisionEncoder, data[spec.VisionEncoder]);
                yield return (StageInputs.Captions, data[spec.Captions]);
                break;
            case SftRun { Spec: var spec }:
                foreach (var part in MultimodalModel(StageBefore(run, stages)))
                {
                    yield return part;
                }

                yield return (StageInputs.Instructions, data[spec.Instructions]);
                break;
            case EvalRun { Spec: var spec }:
                foreach (var part in MultimodalModel(StageBefore(run, stages)))
                {
                    yield return part;
                }

                for (var i = 0; i < spec.Suites.Count; i++)
                {
                    yield return (StageInputs.Suite(i), data[spec.Suites[i].Data]);
                }

                break;
        }
    }

    /// <summary>
    /// Decoder, encoder and projector as they stand after a stage. Alignment leaves decoder and encoder alone and fine-tuning the
    /// encoder, so what a stage did not train is what it was given.
    /// </summary>
    private static IEnumerable<(string Role, DataSet Input)> MultimodalModel(PlannedStage stage)
    {
        var languageModel = stage.Run is SftRun ? OutputOf(stage) : InputOf(stage, StageInputs.LanguageModel);
        return
        [
            (StageInputs.LanguageModel, languageModel),
            (StageInputs.VisionEncoder, InputOf(stage, StageInputs.VisionEncoder)),
            (StageInputs.Projector, OutputOf(stage)),
        ];
    }

    private static PlannedStage StageBefore(Run run, List<PlannedStage> stages)
    {
        var upstream = RunGraph.UpstreamOf(run, stages.Select(stage => stage.Run))!;
        return stages.Single(stage => ReferenceEquals(stage.Run, upstream));
    }

    private static DataSet OutputOf(PlannedStage stage) => new(stage.Plan.Placement.Output, stage.Digest);

    private static DataSet InputOf(PlannedStage stage, string role) =>
        new(stage.Plan.Placement.Inputs[role], stage.Plan.Computation.Inputs[role]);
}
