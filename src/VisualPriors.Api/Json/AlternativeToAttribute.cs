namespace VisualPriors.Api.Json;

/// <summary>
/// Marks a setting as another way to give <paramref name="property"/>: a manifest that sets this one and not the other loses the
/// other's default, so that the two never conflict through a default nobody wrote.
/// </summary>
/// <param name="property">C# name of the other property of the same type.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AlternativeToAttribute(string property) : Attribute
{
    /// <summary>C# name of the other property.</summary>
    public string Property { get; } = property;
}
