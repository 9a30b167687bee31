namespace VisualPriors.Api.Schemas;

/// <summary>The least that a number may be; on a mapping, that each of its values may be.</summary>
/// <param name="value">The bound.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class MinimumAttribute(double value) : Attribute
{
    /// <summary>The bound.</summary>
    public double Value { get; } = value;

    /// <summary>The bound itself is too little.</summary>
    public bool Exclusive { get; init; }
}

/// <summary>The most that a number may be; on a mapping, that each of its values may be. Without one, the most that its C# type holds.</summary>
/// <param name="value">The bound.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class MaximumAttribute(double value) : Attribute
{
    /// <summary>The bound.</summary>
    public double Value { get; } = value;

    /// <summary>The bound itself is too much.</summary>
    public bool Exclusive { get; init; }
}

/// <summary>How many items a list or mapping has.</summary>
/// <param name="minimum">The fewest.</param>
/// <param name="maximum">The most.</param>
/// <param name="item">What one is called, such as <c>suite</c>.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ItemCountAttribute(int minimum, int maximum, string item) : Attribute
{
    /// <summary>The fewest.</summary>
    public int Minimum { get; } = minimum;

    /// <summary>The most: bounds what a rule over all of them costs an API server.</summary>
    public int Maximum { get; } = maximum;

    /// <summary>What one is called.</summary>
    public string Item { get; } = item;
}
