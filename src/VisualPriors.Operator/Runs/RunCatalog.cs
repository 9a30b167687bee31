using System.Text.Json;
using VisualPriors.Api.Resources.Status;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;

namespace VisualPriors.Operator.Runs;

/// <summary>All runs of all kinds, from the caches.</summary>
internal sealed class RunCatalog
{
    private const string DigestIndex = "digest";
    private const string UpstreamIndex = "upstream";
    private readonly ResourceCache<PretrainRunEntity> _pretrain;
    private readonly ResourceCache<AlignRunEntity> _align;
    private readonly ResourceCache<SftRunEntity> _sft;
    private readonly ResourceCache<EvalRunEntity> _eval;

    /// <summary>Over a manager's caches. Before it runs.</summary>
    public RunCatalog(ControllerManager manager)
    {
        _pretrain = Indexed(manager.Cache<PretrainRunEntity>());
        _align = Indexed(manager.Cache<AlignRunEntity>());
        _sft = Indexed(manager.Cache<SftRunEntity>());
        _eval = Indexed(manager.Cache<EvalRunEntity>());
    }

    /// <summary>A run; null where there is none.</summary>
    public RunEntity? Get(RunKey key) => key.Kind switch
    {
        "PretrainRun" => _pretrain.Get(key.Namespace, key.Name),
        "AlignRun" => _align.Get(key.Namespace, key.Name),
        "SftRun" => _sft.Get(key.Namespace, key.Name),
        "EvalRun" => _eval.Get(key.Namespace, key.Name),
        _ => null,
    };

    /// <summary>Every run.</summary>
    public IEnumerable<RunEntity> All() => [.. _pretrain.List(), .. _align.List(), .. _sft.List(), .. _eval.List()];

    /// <summary>Runs that compute the same stage.</summary>
    public IEnumerable<RunEntity> WithDigest(string digest) => Find(DigestIndex, digest);

    /// <summary>Runs that start from a run.</summary>
    public IEnumerable<RunEntity> DownstreamOf(RunKey upstream) => Find(UpstreamIndex, upstream.ToString());

    /// <summary>Runs whose next step may depend on a run: those that start from it, and those that compute the same.</summary>
    public IEnumerable<RunEntity> DependentsOf(RunEntity run) =>
        run.Status?.StageDigest is { } digest ? DownstreamOf(RunKey.Of(run)).Concat(WithDigest(digest).Where(other => other != run)) : DownstreamOf(RunKey.Of(run));

    /// <summary>The run of another that goes first with the same stage; null where <paramref name="run"/> may go.</summary>
    public RunEntity? Competitor(RunEntity run, string digest) => WithDigest(digest)
        .Where(other => other.Metadata.Uid != run.Metadata.Uid && other.Metadata.DeletionTimestamp is null
            && other.Status?.Phase is RunPhase.Waiting or RunPhase.Starting or RunPhase.Running)
        .Where(other => Order(other).CompareTo(Order(run)) < 0)
        .MinBy(Order);

    /// <summary>Who has begun, and is not suspended, goes on; then the older one; then anything that both see alike.</summary>
    private static (int, DateTime, string) Order(RunEntity run) =>
        (run.Status is { Attempt: > 0 } status && !Conditions.IsTrue(status.Conditions, ConditionTypes.Suspended) ? 0 : 1,
            run.Metadata.CreationTimestamp ?? DateTime.MaxValue, run.Metadata.Uid);

    private IEnumerable<RunEntity> Find(string index, string key) =>
        [.. _pretrain.ByIndex(index, key), .. _align.ByIndex(index, key), .. _sft.ByIndex(index, key), .. _eval.ByIndex(index, key)];

    private static ResourceCache<TEntity> Indexed<TEntity>(ResourceCache<TEntity> cache)
        where TEntity : RunEntity
    {
        cache.AddIndex(DigestIndex, run => run.Status?.StageDigest is { } digest ? [digest] : []);
        cache.AddIndex(UpstreamIndex, run => UpstreamOf(run) is { } upstream ? [upstream.ToString()] : []);
        return cache;
    }

    /// <summary>What the spec names in <c>from</c>, whether or not the rest of it makes sense.</summary>
    private static RunKey? UpstreamOf(RunEntity run) =>
        run.Spec is { ValueKind: JsonValueKind.Object } spec
        && spec.TryGetProperty("from", out var from) && from.ValueKind == JsonValueKind.Object
        && from.TryGetProperty("kind", out var kind) && kind.ValueKind == JsonValueKind.String
        && from.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
            ? new RunKey(kind.GetString()!, run.Metadata.NamespaceProperty, name.GetString()!)
            : null;
}
