using VisualPriors.Api.Manifests;
using VisualPriors.Api.Pipelines;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Every rule that a pipeline must keep, those on its stages' runs included.</summary>
internal static class PipelineRules
{
    private const string Field = "spec.stages";

    /// <summary>What is wrong with a pipeline.</summary>
    public static IEnumerable<FieldViolation> Check(Pipeline pipeline) =>
        [
            .. NamesFit(pipeline),
            .. FieldRules.Check(ManifestJson.Default.PipelineSpec, pipeline.Spec, "spec"),
            .. OneSpecEach(pipeline),
            .. StagesAreRuns(pipeline),
            .. UpstreamIsAStage(pipeline),
            .. NoCycle(pipeline),
            .. GatesHaveBounds(pipeline),
        ];

    /// <summary>Name of a stage's spec among the four; null where it gives none.</summary>
    public static string? SpecOf(PipelineStage stage) => SpecsOf(stage).FirstOrDefault();

    private static IEnumerable<FieldViolation> NamesFit(Pipeline pipeline)
    {
        if (!MetadataRules.IsLabel(pipeline.Metadata.Name))
        {
            yield return new("metadata.name", $"'{pipeline.Metadata.Name}'", MetadataRules.LabelText);
        }

        if (pipeline.Metadata.Namespace is { } space && !MetadataRules.IsLabel(space))
        {
            yield return new("metadata.namespace", $"'{space}'", MetadataRules.LabelText);
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, stage) in pipeline.Spec.Stages.Index())
        {
            var name = PipelineExpansion.NameOf(pipeline.Metadata.Name, stage.Name);
            if (!seen.Add(stage.Name))
            {
                yield return new($"{Field}[{i}].name", $"a second stage '{stage.Name}'", "a name used once");
            }
            else if (name.Length > ObjectMeta.LongestRunName)
            {
                yield return new(
                    $"{Field}[{i}].name", $"'{stage.Name}', which makes the run '{name}' of {name.Length} characters",
                    $"at most {ObjectMeta.LongestRunName} characters of the pipeline's name, '-' and the stage's name");
            }
        }
    }

    private static IEnumerable<FieldViolation> OneSpecEach(Pipeline pipeline)
    {
        const string expected = "exactly one of pretrain, align, sft, eval";
        foreach (var (i, stage) in pipeline.Spec.Stages.Index())
        {
            List<string> specs = [.. SpecsOf(stage)];
            if (specs.Count != 1)
            {
                yield return new($"{Field}[{i}]", specs.Count == 0 ? "none" : string.Join(" and ", specs), expected);
            }
        }
    }

    /// <summary>Each stage's run keeps the rules on runs over several fields.</summary>
    private static IEnumerable<FieldViolation> StagesAreRuns(Pipeline pipeline)
    {
        foreach (var (i, stage) in pipeline.Spec.Stages.Index())
        {
            if (PipelineExpansion.RunOf(pipeline, stage) is not { } run)
            {
                continue;
            }

            var path = $"{Field}[{i}].{SpecOf(stage)}";
            foreach (var violation in RunRules.CheckAcrossFields(run))
            {
                yield return new(path + violation.Field["spec".Length..], violation.Found, violation.Expected);
            }

            if (run.Common.TtlSecondsAfterFinished is { } seconds)
            {
                yield return new($"{path}.ttlSecondsAfterFinished", $"{seconds}", "nothing: the pipeline's own goes for its stages");
            }
        }
    }

    private static IEnumerable<FieldViolation> UpstreamIsAStage(Pipeline pipeline)
    {
        foreach (var (i, run, from) in Upstreams(pipeline))
        {
            var kind = from.Kind;
            List<string> names = [.. pipeline.Spec.Stages.Where(stage => PipelineExpansion.RunOf(pipeline, stage)?.Kind == kind).Select(stage => stage.Name)];
            if (ReferenceRules.AllowedKinds(run).Contains(kind) && !names.Contains(from.Name))
            {
                var expected = names.Count == 0 ? $"the name of a stage that is a {kind} (there is none)" : $"a stage that is a {kind}: {Suggestion.OneOf(from.Name, names)}";
                yield return new($"{Field}[{i}].{SpecOf(pipeline.Spec.Stages[i])}.from.name", $"'{from.Name}'", expected);
            }
        }
    }

    private static IEnumerable<FieldViolation> NoCycle(Pipeline pipeline)
    {
        var upstreams = Upstreams(pipeline).Where(upstream => ReferenceRules.AllowedKinds(upstream.Run).Contains(upstream.From.Kind)).ToList();
        if (RunGraph.FindCycle([.. upstreams.Select(upstream => upstream.Run)]) is { } cycle)
        {
            List<int> places = [.. cycle.Select(run => upstreams.Find(upstream => ReferenceEquals(upstream.Run, run)).Index)];
            var names = places.Append(places[0]).Select(i => pipeline.Spec.Stages[i].Name);
            yield return new(
                $"{Field}[{places[0]}].{SpecOf(pipeline.Spec.Stages[places[0]])}.from", $"the cycle {string.Join(" <- ", names)}",
                "a chain that begins with a stage that has no from");
        }
    }

    private static IEnumerable<FieldViolation> GatesHaveBounds(Pipeline pipeline)
    {
        foreach (var (i, stage) in pipeline.Spec.Stages.Index())
        {
            foreach (var (j, gate) in (stage.Gates ?? []).Index())
            {
                var field = $"{Field}[{i}].gates[{j}]";
                if (gate is { Minimum: null, Maximum: null })
                {
                    yield return new(field, "neither minimum nor maximum", "at least one of the two");
                }
                else if (gate.Minimum > gate.Maximum)
                {
                    yield return new(field, $"a minimum of {gate.Minimum} above the maximum of {gate.Maximum}", "a minimum of at most the maximum");
                }
            }
        }
    }

    /// <summary>Runs of stages that start from another, with that other as the stage names it.</summary>
    private static IEnumerable<(int Index, Run Run, RunReference From)> Upstreams(Pipeline pipeline)
    {
        foreach (var (i, stage) in pipeline.Spec.Stages.Index())
        {
            var from = stage switch { { Pretrain: not null } => null, { Align: { } align } => align.From, { Sft: { } sft } => sft.From, _ => stage.Eval?.From };
            if (from is not null)
            {
                yield return (i, PipelineExpansion.RunOf(pipeline, stage)!, from);
            }
        }
    }

    private static IEnumerable<string> SpecsOf(PipelineStage stage)
    {
        if (stage.Pretrain is not null)
        {
            yield return "pretrain";
        }

        if (stage.Align is not null)
        {
            yield return "align";
        }

        if (stage.Sft is not null)
        {
            yield return "sft";
        }

        if (stage.Eval is not null)
        {
            yield return "eval";
        }
    }
}
