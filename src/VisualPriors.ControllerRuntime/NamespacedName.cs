namespace VisualPriors.ControllerRuntime;

/// <summary>What a controller works on: an object's namespace and name. A state of the object is never queued, only its name.</summary>
/// <param name="Namespace">Namespace; null for objects of the whole cluster.</param>
/// <param name="Name">Name.</param>
public readonly record struct NamespacedName(string? Namespace, string Name)
{
    /// <summary><c>namespace/name</c>, or the name alone.</summary>
    public override string ToString() => Namespace is null ? Name : $"{Namespace}/{Name}";
}
