using System.Security.Cryptography;
using k8s;
using k8s.Models;
using VisualPriors.ControllerRuntime;

namespace VisualPriors.Operator.Gangs;

/// <summary>Makes and deletes what belongs to a gang. Everything may be done twice.</summary>
internal sealed class GangClient(ControllerManager manager, ResourceCache<V1Pod> cache, GangBuilder builder)
{
    /// <summary>Pods made at once for one gang: enough to hide the round trip, few enough not to crowd out other runs.</summary>
    private const int CreatesInFlight = 8;

    private readonly ResourceClient<V1Pod> _pods = manager.Client<V1Pod>();
    private readonly ResourceClient<V1ConfigMap> _configMaps = manager.Client<V1ConfigMap>();
    private readonly ResourceClient<V1Secret> _secrets = manager.Client<V1Secret>();
    private readonly ResourceClient<V1Service> _services = manager.Client<V1Service>();

    /// <summary>Makes what is missing of a gang.</summary>
    /// <param name="request">The gang.</param>
    /// <param name="present">Its pods that are there.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="KubernetesApiException">The server refused.</exception>
    public async Task CreateAsync(GangRequest request, IReadOnlyList<V1Pod> present, CancellationToken cancellationToken)
    {
        // All of it before the pods: a pod without its plan or secret would wait a minute for the kubelet's next try.
        await Task.WhenAll(
            EnsureAsync(_configMaps, GangBuilder.Plan(request), cancellationToken),
            EnsureAsync(_services, GangBuilder.Service(request), cancellationToken),
            EnsureAsync(_secrets, GangBuilder.Token(request, RandomNumberGenerator.GetHexString(32, lowercase: true)), cancellationToken)).ConfigureAwait(false);

        var ranks = present.Where(pod => PodState.Attempt(pod) == request.Attempt).Select(PodState.NodeRank).ToHashSet();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, request.Compute.Nodes).Where(rank => !ranks.Contains(rank)),
            new ParallelOptions { MaxDegreeOfParallelism = CreatesInFlight, CancellationToken = cancellationToken },
            async (rank, token) =>
            {
                if (await EnsureAsync(_pods, builder.Pod(request, rank), token).ConfigureAwait(false) is { } created)
                {
                    cache.Observe(created);
                }
            }).ConfigureAwait(false);
    }

    /// <summary>Deletes pods of a namespace.</summary>
    public Task DeleteAsync(string @namespace, IReadOnlyList<string> names, bool isForced, CancellationToken cancellationToken) => Parallel.ForEachAsync(
        names,
        new ParallelOptions { MaxDegreeOfParallelism = CreatesInFlight, CancellationToken = cancellationToken },
        async (name, token) =>
        {
            var before = cache.Get(@namespace, name);
            var request = new DeleteRequest { Uid = before?.Metadata.Uid, GracePeriod = isForced ? TimeSpan.Zero : null };
            try
            {
                var ending = await _pods.DeleteAsync(@namespace, name, request, token).ConfigureAwait(false);
                if (ending is not null)
                {
                    cache.Observe(ending);
                }
                else if (before is not null)
                {
                    cache.ObserveDeleted(before);
                }
            }
            catch (KubernetesApiException e) when (e.IsConflict)
            {
                // Another pod has the name by now: the one that was meant is gone.
            }
        });

    /// <summary>Creates an object unless it is there; null where it was. A deleted namesake's is no longer there soon: the next try will tell.</summary>
    private static async Task<T?> EnsureAsync<T>(ResourceClient<T> client, T entity, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            return await client.CreateAsync(entity, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (KubernetesApiException e) when (e.IsAlreadyExists)
        {
            return null;
        }
    }
}
