namespace VisualPriors.Api.Validation;

/// <summary>One thing that a rule refuses.</summary>
/// <param name="Field">Path of the field, such as <c>spec.stages[1].align.visualTokens</c>.</param>
/// <param name="Found">What it holds.</param>
/// <param name="Expected">What the rule asks for.</param>
internal sealed record FieldViolation(string Field, string Found, string Expected);
