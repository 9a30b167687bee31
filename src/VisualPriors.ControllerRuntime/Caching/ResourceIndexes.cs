using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Objects' names by what they are filed under. Keys are computed again when an object leaves, not stored.</summary>
internal sealed class ResourceIndexes<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly Dictionary<string, Index> _indexes = [];

    public void Define(string name, Func<TEntity, IEnumerable<string>> keys)
    {
        if (!_indexes.TryAdd(name, new(keys, [])))
        {
            throw new ArgumentException($"index '{name}' is defined twice", nameof(name));
        }
    }

    public IEnumerable<NamespacedName> Keys(string index, string key) =>
        !_indexes.TryGetValue(index, out var found) ? throw new ArgumentException($"there is no index '{index}'", nameof(index))
        : found.Names.TryGetValue(key, out var names) ? names
        : [];

    public void Add(NamespacedName name, TEntity entity)
    {
        foreach (var index in _indexes.Values)
        {
            foreach (var key in index.KeysOf(entity))
            {
                if (!index.Names.TryGetValue(key, out var names))
                {
                    index.Names[key] = names = [];
                }
                names.Add(name);
            }
        }
    }

    public void Remove(NamespacedName name, TEntity entity)
    {
        foreach (var index in _indexes.Values)
        {
            foreach (var key in index.KeysOf(entity))
            {
                if (index.Names.TryGetValue(key, out var names) && names.Remove(name) && names.Count == 0)
                {
                    index.Names.Remove(key);
                }
            }
        }
    }

    private sealed record Index(Func<TEntity, IEnumerable<string>> KeysOf, Dictionary<string, HashSet<NamespacedName>> Names);
}
