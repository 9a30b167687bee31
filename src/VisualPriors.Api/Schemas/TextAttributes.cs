using System.Text.RegularExpressions;

namespace VisualPriors.Api.Schemas;

/// <summary>What a text looks like and how long it may be; on a mapping, each of its values.</summary>
/// <param name="pattern">A regular expression for the whole text, in the part of the syntax that .NET and Go (RE2) share.</param>
/// <param name="maximumLength">The most characters.</param>
/// <param name="expected">The pattern in words, for messages.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TextAttribute(string pattern, int maximumLength, string expected) : Attribute
{
    /// <summary>The regular expression, with anchors as JSON Schema wants them.</summary>
    public string Pattern { get; } = $"^{pattern}$";

    /// <summary>The most characters.</summary>
    public int MaximumLength { get; } = maximumLength;

    /// <summary>The pattern in words.</summary>
    public string Expected { get; } = expected;

    // In .NET, $ also matches before a line feed at the end.
    private Regex Whole { get; } = new($@"\A(?:{pattern})\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    /// <summary>Whether a text is of this kind.</summary>
    public bool Accepts(string text) => text.Length <= MaximumLength && Whole.IsMatch(text);
}

/// <summary>What a mapping's keys look like and how long they may be.</summary>
/// <param name="pattern">As <see cref="TextAttribute"/>'s.</param>
/// <param name="maximumLength">The most characters.</param>
/// <param name="expected">The pattern in words, for messages.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class KeysAttribute(string pattern, int maximumLength, string expected) : Attribute
{
    /// <summary>What a key looks like.</summary>
    public TextAttribute Text { get; } = new(pattern, maximumLength, expected);
}

/// <summary>The texts there are to choose from.</summary>
/// <param name="values">All of them.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OneOfAttribute(params string[] values) : Attribute
{
    /// <summary>All of them.</summary>
    public IReadOnlyList<string> Values { get; } = values;
}

/// <summary>The kinds of run that a reference may point at.</summary>
/// <param name="kinds">All of them.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AllowedKindsAttribute(params string[] kinds) : Attribute
{
    /// <summary>All of them.</summary>
    public IReadOnlyList<string> Kinds { get; } = kinds;
}

/// <summary>Patterns that several fields share.</summary>
internal static class TextPatterns
{
    /// <summary>An RFC 1123 label.</summary>
    public const string Label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

    /// <summary>An RFC 1123 label in words.</summary>
    public const string LabelText = "an RFC 1123 label of lower-case letters, digits and '-', with a letter or digit at both ends";

    /// <summary>A relative path of plain segments; one may not begin with a dot, which leaves out '.', '..' and hidden folders.</summary>
    public const string DataName = "[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*";

    /// <summary>The same in words.</summary>
    public const string DataNameText = "a folder's name below the data root: letters, digits, '.', '_' and '-', no '..'";

    /// <summary>Longest <see cref="DataName"/>.</summary>
    public const int DataNameLength = 255;

    /// <summary>Name of most Kubernetes objects (RFC 1123 subdomain).</summary>
    public const string Subdomain = @"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

    /// <summary>The same in words.</summary>
    public const string SubdomainText = "a Kubernetes object's name: lower-case letters, digits, '-' and '.'";

    /// <summary>Longest <see cref="Subdomain"/>.</summary>
    public const int SubdomainLength = 253;

    /// <summary>Key of a label or annotation.</summary>
    public const string LabelKey = @"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";

    /// <summary>The same in words.</summary>
    public const string LabelKeyText = "a key such as team or example.com/team: letters, digits, '-', '_' and '.', at most 63 characters after the '/'";

    /// <summary>Longest <see cref="LabelKey"/>.</summary>
    public const int LabelKeyLength = 317;

    /// <summary>Value of a label.</summary>
    public const string LabelValue = "([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?";

    /// <summary>The same in words.</summary>
    public const string LabelValueText = "a label's value: letters, digits, '-', '_' and '.', with a letter or digit at both ends";

    /// <summary>Longest <see cref="LabelValue"/>.</summary>
    public const int LabelValueLength = 63;

    /// <summary>An amount that is not negative.</summary>
    public const string Quantity = @"(0|[1-9][0-9]*)(\.[0-9]{1,9})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?";

    /// <summary>The same in words.</summary>
    public const string QuantityText = "a Kubernetes quantity such as 8, 500m or 64Gi";

    /// <summary>Longest <see cref="Quantity"/>.</summary>
    public const int QuantityLength = 32;
}
