using System.Globalization;
using System.Text.Json;
using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>
/// What a cache holds, and the rules by which listings, watch events and own writes change it. Resource versions of one kind are the store's
/// revisions (Kubernetes 1.35 guarantees what has always held), so of two states the greater version is the newer, even across two objects
/// of one name. Not safe for several threads at once.
/// </summary>
internal sealed class ResourceStore<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly Dictionary<NamespacedName, Entry> _entries = [];
    private readonly ResourceIndexes<TEntity> _indexes = new();

    /// <summary>Uids that we deleted ourselves, until the watch says so: a uid never comes back.</summary>
    private readonly Dictionary<NamespacedName, string> _deleted = [];

    /// <summary>Own writes that the watch has not confirmed, by version.</summary>
    private readonly PriorityQueue<NamespacedName, ulong> _unconfirmed = new();

    /// <summary>The watch has told everything up to this version.</summary>
    private ulong _watched;

    public int Count => _entries.Count;

    public ResourceIndexes<TEntity> Indexes => _indexes;

    public IEnumerable<TEntity> All => _entries.Values.Select(entry => entry.Entity);

    public TEntity? Get(NamespacedName key) => _entries.TryGetValue(key, out var entry) ? entry.Entity : null;

    public IReadOnlyList<TEntity> ByIndex(string index, string key) => [.. _indexes.Keys(index, key).Select(name => _entries[name].Entity)];

    /// <summary>A whole listing: what it lacks is gone, unless it was written after it.</summary>
    public IReadOnlyList<ResourceChange<TEntity>> Replace(ResourceListing<TEntity> listing)
    {
        var changes = new List<ResourceChange<TEntity>>();
        var version = VersionOf(listing.ResourceVersion);
        var listed = new Dictionary<NamespacedName, string?>(listing.Items.Count);
        foreach (var item in listing.Items)
        {
            listed[KeyOf(item)] = item.Metadata.Uid;
            Put(item, confirmed: true, listed: true, changes);
        }
        foreach (var name in listing.Unreadable.Select(item => item.Name).OfType<NamespacedName>())
        {
            listed[name] = null;
        }
        foreach (var (key, entry) in _entries.Where(entry => entry.Value.Version <= version && !listed.ContainsKey(entry.Key)).ToList())
        {
            Remove(key, entry.Entity, listed: true, changes);
        }
        foreach (var (key, uid) in _deleted.Where(deleted => listed.GetValueOrDefault(deleted.Key) != deleted.Value).ToList())
        {
            _deleted.Remove(key);
        }
        Settle(version, changes);
        return changes;
    }

    /// <summary>An object is new or changed, as the watch tells.</summary>
    public IReadOnlyList<ResourceChange<TEntity>> Changed(TEntity entity)
    {
        var changes = new List<ResourceChange<TEntity>>();
        Put(entity, confirmed: true, listed: false, changes);
        Settle(VersionOf(entity), changes);
        return changes;
    }

    /// <summary>An object is gone, or no longer matches the selector, as the watch tells.</summary>
    public IReadOnlyList<ResourceChange<TEntity>> Deleted(TEntity entity)
    {
        var changes = new List<ResourceChange<TEntity>>();
        var key = KeyOf(entity);
        var version = VersionOf(entity);
        if (_deleted.TryGetValue(key, out var uid) && uid == entity.Metadata.Uid)
        {
            _deleted.Remove(key);
        }
        if (_entries.TryGetValue(key, out var entry) && entry.Version <= version)
        {
            Remove(key, entity, listed: false, changes);
        }
        Settle(version, changes);
        return changes;
    }

    /// <summary>An object is there but cannot be read: its last good state stays.</summary>
    public IReadOnlyList<ResourceChange<TEntity>> Unreadable(UnreadableObject item)
    {
        if (item.Name is { } key && _entries.TryGetValue(key, out var entry))
        {
            _entries[key] = entry with { Confirmed = true };
        }
        return ulong.TryParse(item.ResourceVersion, CultureInfo.InvariantCulture, out var version) ? Watched(version) : [];
    }

    /// <summary>The watch has told everything up to this version.</summary>
    public IReadOnlyList<ResourceChange<TEntity>> Watched(ulong version)
    {
        var changes = new List<ResourceChange<TEntity>>();
        Settle(version, changes);
        return changes;
    }

    /// <summary>What our own write returned. What the watch has told already is not older than it.</summary>
    public IReadOnlyList<ResourceChange<TEntity>> Written(TEntity entity)
    {
        var changes = new List<ResourceChange<TEntity>>();
        var version = VersionOf(entity);
        if (version > _watched && Put(entity, confirmed: false, listed: false, changes))
        {
            _unconfirmed.Enqueue(KeyOf(entity), version);
        }
        return changes;
    }

    /// <summary>What our own delete has removed.</summary>
    public IReadOnlyList<ResourceChange<TEntity>> WrittenDeleted(TEntity entity)
    {
        var changes = new List<ResourceChange<TEntity>>();
        var key = KeyOf(entity);
        if (_entries.TryGetValue(key, out var entry) && entry.Entity.Metadata.Uid == entity.Metadata.Uid)
        {
            _deleted[key] = entity.Metadata.Uid;
            Remove(key, entry.Entity, listed: false, changes);
        }
        return changes;
    }

    public static NamespacedName KeyOf(TEntity entity) =>
        new(string.IsNullOrEmpty(entity.Metadata.NamespaceProperty) ? null : entity.Metadata.NamespaceProperty, entity.Metadata.Name);

    public static ulong VersionOf(string? version) => ulong.TryParse(version, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new JsonException($"resourceVersion '{version}' is no number");

    private static ulong VersionOf(TEntity entity) => VersionOf(entity.Metadata.ResourceVersion);

    /// <summary>Whether it is news.</summary>
    private bool Put(TEntity entity, bool confirmed, bool listed, List<ResourceChange<TEntity>> changes)
    {
        var key = KeyOf(entity);
        var version = VersionOf(entity);
        if (_deleted.TryGetValue(key, out var uid) && uid == entity.Metadata.Uid)
        {
            return false;
        }
        if (!_entries.TryGetValue(key, out var before))
        {
            changes.Add(new(ResourceChangeType.Added, entity, null, listed));
        }
        else if (version <= before.Version)
        {
            if (version == before.Version && confirmed)
            {
                _entries[key] = before with { Confirmed = true };
            }
            return false;
        }
        else if (before.Entity.Metadata.Uid != entity.Metadata.Uid)
        {
            // Deleted and created again between two looks: two objects, not a change of one.
            Remove(key, before.Entity, listed, changes);
            changes.Add(new(ResourceChangeType.Added, entity, null, listed));
        }
        else
        {
            _indexes.Remove(key, before.Entity);
            changes.Add(new(ResourceChangeType.Modified, entity, before.Entity, listed));
        }
        _entries[key] = new(entity, version, confirmed);
        _indexes.Add(key, entity);
        return true;
    }

    private void Remove(NamespacedName key, TEntity last, bool listed, List<ResourceChange<TEntity>> changes)
    {
        _entries.Remove(key, out var entry);
        _indexes.Remove(key, entry.Entity);
        changes.Add(new(ResourceChangeType.Deleted, last, entry.Entity, listed));
    }

    /// <summary>An own write that the watch has passed without telling it is not, or no longer, among the objects that it watches.</summary>
    private void Settle(ulong version, List<ResourceChange<TEntity>> changes)
    {
        _watched = Math.Max(_watched, version);
        while (_unconfirmed.TryPeek(out var key, out var written) && written <= _watched)
        {
            _unconfirmed.Dequeue();
            if (_entries.TryGetValue(key, out var entry) && !entry.Confirmed && entry.Version == written)
            {
                Remove(key, entry.Entity, listed: false, changes);
            }
        }
    }

    private readonly record struct Entry(TEntity Entity, ulong Version, bool Confirmed);
}
