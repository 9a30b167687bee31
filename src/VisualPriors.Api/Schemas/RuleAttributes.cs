namespace VisualPriors.Api.Schemas;

/// <summary>
/// A rule over several fields, in the Common Expression Language, for API servers of Kubernetes 1.25 and later. The same rule stands in C# under
/// <c>Validation</c>, for manifests and for servers without CEL.
/// </summary>
/// <param name="rule">True for what is accepted; <c>self</c> is the object, or the field's value, with defaults filled in.</param>
/// <param name="message">What to say otherwise; names the field.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, AllowMultiple = true)]
public sealed class ValidationRuleAttribute(string rule, string message) : Attribute
{
    /// <summary>The expression.</summary>
    public string Rule { get; } = rule;

    /// <summary>What to say.</summary>
    public string Message { get; } = message;
}

/// <summary>A field of a resource's desired state that cannot change once the resource exists.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ImmutableAttribute : Attribute;

/// <summary>A list whose items are known by one field: two appliers' items are merged by it, and no two items share it.</summary>
/// <param name="key">The field, as in JSON.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ListKeyAttribute(string key) : Attribute
{
    /// <summary>The field.</summary>
    public string Key { get; } = key;
}
