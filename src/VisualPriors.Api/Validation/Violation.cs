using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Validation;

/// <summary>One thing about a run that a rule refuses.</summary>
/// <param name="Run">The run.</param>
/// <param name="Field">Path of the field, such as <c>spec.training.globalBatchSize</c>.</param>
/// <param name="Found">What it holds.</param>
/// <param name="Expected">What the rule asks for.</param>
public sealed record Violation(Run Run, string Field, string Found, string Expected);
