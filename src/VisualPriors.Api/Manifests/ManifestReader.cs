using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Validation;

namespace VisualPriors.Api.Manifests;

/// <summary>Reads manifests: one or more YAML documents, each a run resource.</summary>
public static class ManifestReader
{
    private static readonly Dictionary<string, JsonTypeInfo> Kinds = new(StringComparer.Ordinal)
    {
        ["PretrainRun"] = ManifestJson.Default.PretrainRun,
        ["AlignRun"] = ManifestJson.Default.AlignRun,
        ["SftRun"] = ManifestJson.Default.SftRun,
        ["EvalRun"] = ManifestJson.Default.EvalRun,
    };

    /// <summary>Reads a file, fills in defaults and checks every rule.</summary>
    /// <exception cref="InvalidInputException">Everything that is wrong with the file, together.</exception>
    public static Manifest Read(string path)
    {
        var errors = new List<InputError>();
        var runs = new List<Run>();
        // By reference: two documents may well be equal (and that is an error a rule is to find).
        var lines = new Dictionary<Run, IReadOnlyDictionary<string, int>>(ReferenceEqualityComparer.Instance);
        var documents = YamlTree.Read(path);
        if (documents.Count == 0)
        {
            throw new InvalidInputException(path, null, "no document", "at least one run");
        }

        foreach (var document in documents)
        {
            if (Bind(path, document, errors) is var (run, runLines))
            {
                runs.Add(run);
                lines.Add(run, runLines);
            }
        }

        var manifest = new Manifest(path, runs, lines);
        // A run that did not bind would make others' references look wrong: those are checked once every document binds.
        var violations = runs.Count == documents.Count ? RunRules.Check(runs) : runs.SelectMany(RunRules.CheckAlone);
        errors.AddRange(violations.Select(violation => new InputError(
            path, violation.Field, violation.Found, violation.Expected, manifest.LineOf(violation.Run, violation.Field))));
        return errors.Count == 0 ? manifest : throw new InvalidInputException([.. errors.OrderBy(error => error.Line)]);
    }

    private static (Run, IReadOnlyDictionary<string, int>)? Bind(string path, YamlNode document, List<InputError> errors)
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
        if (kind is null || !Kinds.TryGetValue(kind.Value, out var type))
        {
            errors.Add(new InputError(path, "kind", kind?.Value ?? "nothing", Suggestion.OneOf(kind?.Value ?? "", Kinds.Keys), kind?.Line ?? mapping.Line));
            return null;
        }

        var binder = new ManifestBinder(path, errors);
        var json = binder.BindObject(type, mapping, "", inherited: null, "apiVersion", "kind");
        if (errors.Count > errorsBefore)
        {
            return null;
        }

        var lines = new Dictionary<string, int>(binder.Lines) { [""] = mapping.Line };
        return ((Run)json.Deserialize(type)!, lines);
    }

    private static YamlScalar? TextOf(YamlMapping mapping, string field) =>
        mapping.Entries.FirstOrDefault(entry => entry.Key.Value == field).Value as YamlScalar;
}
