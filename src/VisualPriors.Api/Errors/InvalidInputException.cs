namespace VisualPriors.Api.Errors;

/// <summary>One thing that is wrong with what a person gave: names where, what was found, what was expected.</summary>
/// <param name="File">File (or folder) at fault.</param>
/// <param name="Field">Field path or line inside it, such as <c>spec.data.mixture</c> or <c>line 12</c>; null when it is the file as a whole.</param>
/// <param name="Found">What was found.</param>
/// <param name="Expected">What was expected.</param>
/// <param name="Line">Line of the file, counted from 1, where known.</param>
public sealed record InputError(string File, string? Field, string Found, string Expected, int? Line = null)
{
    /// <summary>The error as one line for people: <c>file:line: field: found …, expected …</c>.</summary>
    public override string ToString() =>
        $"{File}{(Line is { } line ? $":{line}" : "")}: {(Field is null ? "" : $"{Field}: ")}found {Found}, expected {Expected}";
}

/// <summary>What a person gave cannot be used. Programs end with exit code 2; nothing was computed.</summary>
public sealed class InvalidInputException : Exception
{
    /// <summary>Several errors at once.</summary>
    public InvalidInputException(IReadOnlyList<InputError> errors)
        : base(string.Join(Environment.NewLine, errors))
    {
        Errors = errors;
    }

    /// <summary>One error.</summary>
    public InvalidInputException(string file, string? field, string found, string expected, int? line = null)
        : this([new InputError(file, field, found, expected, line)])
    {
    }

    /// <summary>What is wrong, all of it.</summary>
    public IReadOnlyList<InputError> Errors { get; }
}
