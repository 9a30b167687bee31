namespace VisualPriors.Storage.Objects;

/// <summary>Stores by address.</summary>
public static class ObjectStores
{
    /// <summary>Opens a store.</summary>
    public static IObjectStore Open(string address) => throw new NotSupportedException(address);
}
