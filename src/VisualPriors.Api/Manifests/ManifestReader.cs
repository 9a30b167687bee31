using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Pipelines;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Validation;

namespace VisualPriors.Api.Manifests;

/// <summary>Reads manifests: one or more YAML documents, each a run or a pipeline.</summary>
public static class ManifestReader
{
    /// <summary>Reads a file, fills in defaults and checks every rule.</summary>
    /// <exception cref="InvalidInputException">Everything that is wrong with the file, together.</exception>
    public static Manifest Read(string path)
    {
        var documents = YamlTree.Read(path);
        if (documents.Count == 0)
        {
            throw new InvalidInputException(path, null, "no document", "at least one run");
        }

        var errors = new List<InputError>();
        var runs = new List<Run>();
        var pipelines = new List<Pipeline>();
        // By reference: two documents may well be equal (and that is an error a rule is to find).
        var sources = new Dictionary<Run, RunSource>(ReferenceEqualityComparer.Instance);
        foreach (var document in documents)
        {
            switch (Bind(path, document, errors))
            {
                case (Run run, var lines):
                    Add(run, new RunSource(lines));
                    break;
                case (Pipeline pipeline, var lines):
                    AddPipeline(pipeline, lines);
                    break;
            }
        }

        var manifest = new Manifest(path, runs, pipelines, sources);
        // A run that did not bind would make others' references look wrong: those are checked once every document is well.
        var together = errors.Count == 0 ? RunRules.CheckTogether(runs) : [];
        errors.AddRange(runs.Where(run => sources[run].Stage is null).SelectMany(RunRules.CheckAlone).Concat(together)
            .Select(violation => manifest.ErrorAt(violation.Run, violation.Field, violation.Found, violation.Expected)));
        return errors.Count == 0 ? manifest : throw new InvalidInputException([.. errors.OrderBy(error => error.Line)]);

        void Add(Run run, RunSource source)
        {
            runs.Add(run);
            sources.Add(run, source);
        }

        void AddPipeline(Pipeline pipeline, IReadOnlyDictionary<string, int> lines)
        {
            pipelines.Add(pipeline);
            var document = new RunSource(lines);
            List<InputError> violations = [.. PipelineRules.Check(pipeline)
                .Select(violation => new InputError(path, violation.Field, violation.Found, violation.Expected, document.LineOf(violation.Field)))];
            errors.AddRange(violations);
            foreach (var (stage, run) in violations.Count == 0 ? PipelineExpansion.Stages(pipeline) : [])
            {
                var place = $"spec.stages[{pipeline.Spec.Stages.Index().First(item => ReferenceEquals(item.Item, stage)).Index}]";
                Add(run, new RunSource(lines, stage, place, $"{place}.{PipelineRules.SpecOf(stage)}"));
            }
        }
    }

    private static (object, IReadOnlyDictionary<string, int>)? Bind(string path, YamlNode document, List<InputError> errors)
    {
        if (document is not YamlMapping mapping)
        {
            errors.Add(new InputError(path, null, "a document that is no mapping", "apiVersion, kind, metadata and spec", document.Line));
            return null;
        }

        var errorsBefore = errors.Count;
        var version = TextOf(mapping, "apiVersion");
        if (version?.Value != Run.GroupVersion)
        {
            errors.Add(new InputError(path, "apiVersion", version?.Value ?? "nothing", Run.GroupVersion, version?.Line ?? mapping.Line));
        }

        var kind = TextOf(mapping, "kind");
        if (kind is null || !ResourceKinds.All.TryGetValue(kind.Value, out var type))
        {
            errors.Add(new InputError(
                path, "kind", kind?.Value ?? "nothing", Suggestion.OneOf(kind?.Value ?? "", ResourceKinds.All.Keys), kind?.Line ?? mapping.Line));
            return null;
        }

        var binder = new ManifestBinder(path, errors);
        var json = binder.BindObject(type, mapping, "", inherited: null, "apiVersion", "kind");
        if (errors.Count > errorsBefore)
        {
            return null;
        }

        var lines = new Dictionary<string, int>(binder.Lines) { [""] = mapping.Line };
        return (json.Deserialize(type)!, lines);
    }

    private static YamlScalar? TextOf(YamlMapping mapping, string field) =>
        mapping.Entries.FirstOrDefault(entry => entry.Key.Value == field).Value as YamlScalar;
}
