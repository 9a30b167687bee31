using System.Text.RegularExpressions;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>Rules on names of prepared data.</summary>
internal static partial class DataNameRules
{
    /// <summary>A name is a relative path of plain segments, so that it cannot leave the data root.</summary>
    public static IEnumerable<Violation> NamesStayBelowTheDataRoot(Run run) =>
        DataRequirement.Of(run)
            .Where(requirement => requirement.Name.Length > 255 || !PlainPath().IsMatch(requirement.Name))
            .Select(requirement => new Violation(
                run, requirement.Field, $"'{requirement.Name}'", "a folder's name below the data root: letters, digits, '.', '_' and '-', no '..'"));

    // A segment may not begin with a dot: that leaves out '.', '..' and hidden folders.
    [GeneratedRegex(@"\A[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\z")]
    private static partial Regex PlainPath();
}
