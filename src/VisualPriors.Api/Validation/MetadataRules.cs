using System.Text.RegularExpressions;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on names.</summary>
internal static partial class MetadataRules
{
    /// <summary>What a label looks like, for messages.</summary>
    public const string LabelText = "an RFC 1123 label: at most 63 lower-case letters, digits and '-', with a letter or digit at both ends";

    /// <summary>Names become folder, file and Kubernetes object names: RFC 1123 labels.</summary>
    public static IEnumerable<Violation> NamesAreLabels(Run run)
    {
        if (!IsLabel(run.Metadata.Name))
        {
            yield return new Violation(run, "metadata.name", $"'{run.Metadata.Name}'", LabelText);
        }
        else if (run.Metadata.Name.Length > ObjectMeta.LongestRunName)
        {
            yield return new Violation(
                run, "metadata.name", $"'{run.Metadata.Name}' of {run.Metadata.Name.Length} characters", $"at most {ObjectMeta.LongestRunName} characters");
        }

        if (run.Metadata.Namespace is { } space && !IsLabel(space))
        {
            yield return new Violation(run, "metadata.namespace", $"'{space}'", LabelText);
        }
    }

    /// <summary>Whether a name is an RFC 1123 label.</summary>
    public static bool IsLabel(string name) => Label().IsMatch(name);

    [GeneratedRegex(@"\A[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\z")]
    private static partial Regex Label();
}
