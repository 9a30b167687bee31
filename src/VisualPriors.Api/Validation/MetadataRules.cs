using System.Text.RegularExpressions;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on names.</summary>
internal static partial class MetadataRules
{
    /// <summary>Names become folder, file and Kubernetes object names: RFC 1123 labels.</summary>
    public static IEnumerable<Violation> NamesAreLabels(Run run)
    {
        const string expected = "an RFC 1123 label: at most 63 lower-case letters, digits and '-', with a letter or digit at both ends";
        if (!Label().IsMatch(run.Metadata.Name))
        {
            yield return new Violation(run, "metadata.name", $"'{run.Metadata.Name}'", expected);
        }

        if (run.Metadata.Namespace is { } space && !Label().IsMatch(space))
        {
            yield return new Violation(run, "metadata.namespace", $"'{space}'", expected);
        }
    }

    [GeneratedRegex(@"\A[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\z")]
    private static partial Regex Label();
}
