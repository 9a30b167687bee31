
namespace VisualPriors.Operator.Entities;

/// <summary>Names a run of any kind.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
internal readonly record struct RunKey(string Kind, string Namespace, string Name)
{
    /// <summary>Every kind of run.</summary>
    public static readonly IReadOnlyList<string> Kinds = ["PretrainRun", "AlignRun", "SftRun", "EvalRun"];

    /// <summary>The name of an entity. Its kind is the type's: list items do not carry theirs.</summary>
    public static RunKey Of(RunEntity entity) => new(KindOf(entity), entity.Metadata.NamespaceProperty, entity.Metadata.Name);

    /// <summary>The kind of a run's entity.</summary>
    public static string KindOf(RunEntity entity) => entity switch
    {
        PretrainRunEntity => "PretrainRun",
        AlignRunEntity => "AlignRun",
        SftRunEntity => "SftRun",
        EvalRunEntity => "EvalRun",
        _ => throw new ArgumentException($"no kind for {entity.GetType().Name}", nameof(entity)),
    };

    /// <summary>As logs, metrics and pods name it.</summary>
    public override string ToString() => $"{Namespace}/{Kind}/{Name}";
}
