using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Validation;

namespace VisualPriors.Api.Manifests;

/// <summary>
/// Reads custom resources as an API server stores them: the same binding, defaults, rules and messages as a manifest's, whatever the
/// server's schema has checked or filled in before. In errors the file is the resource, such as <c>PretrainRun team/decoder</c>.
/// </summary>
public static class ResourceReader
{
    /// <summary>Reads a run and checks every rule that looks at it alone.</summary>
    /// <param name="kind"><c>PretrainRun</c>, <c>AlignRun</c>, <c>SftRun</c> or <c>EvalRun</c>.</param>
    /// <param name="metadata">Its name, namespace, labels and annotations.</param>
    /// <param name="spec">Its desired state.</param>
    /// <exception cref="InvalidInputException">Everything that is wrong with it, together.</exception>
    /// <exception cref="ArgumentException">The kind is no run's.</exception>
    public static Run ReadRun(string kind, ObjectMeta metadata, JsonElement spec)
    {
        if (!ResourceKinds.Runs.TryGetValue(kind, out var type))
        {
            throw new ArgumentException($"'{kind}' is no kind of run", nameof(kind));
        }

        var file = FileOf(kind, metadata);
        var run = (Run)Bind(type, file, metadata, spec);
        List<InputError> errors = [.. RunRules.CheckAlone(run).Select(violation => new InputError(file, violation.Field, violation.Found, violation.Expected))];
        return errors.Count == 0 ? run : throw new InvalidInputException(errors);
    }

    /// <summary>Reads a pipeline and checks every rule on it and its stages.</summary>
    /// <param name="metadata">Its name, namespace, labels and annotations.</param>
    /// <param name="spec">Its desired state.</param>
    /// <exception cref="InvalidInputException">Everything that is wrong with it, together.</exception>
    public static Pipeline ReadPipeline(ObjectMeta metadata, JsonElement spec)
    {
        var file = FileOf(Pipeline.Kind, metadata);
        var pipeline = (Pipeline)Bind(ManifestJson.Default.Pipeline, file, metadata, spec);
        List<InputError> errors = [.. PipelineRules.Check(pipeline).Select(violation => new InputError(file, violation.Field, violation.Found, violation.Expected))];
        return errors.Count == 0 ? pipeline : throw new InvalidInputException(errors);
    }

    private static object Bind(JsonTypeInfo type, string file, ObjectMeta metadata, JsonElement spec)
    {
        var errors = new List<InputError>();
        var given = JsonTree.Of(JsonSerializer.SerializeToElement(metadata, ManifestJson.Default.ObjectMeta));
        var resource = new YamlMapping(0, [Field("metadata", given), Field("spec", JsonTree.Of(spec))]);
        var json = new ManifestBinder(file, errors).BindObject(type, resource, "");
        return errors.Count == 0 ? json.Deserialize(type)! : throw new InvalidInputException(errors);
    }

    private static KeyValuePair<YamlScalar, YamlNode> Field(string name, YamlNode value) => KeyValuePair.Create(new YamlScalar(0, name, IsPlain: true), value);

    private static string FileOf(string kind, ObjectMeta metadata) =>
        metadata.Namespace is { } space ? $"{kind} {space}/{metadata.Name}" : $"{kind} {metadata.Name}";
}
