using System.Collections.Concurrent;
using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Operator.Entities;

namespace VisualPriors.Operator.Runs;

/// <summary>Reads specs, each generation of each run once.</summary>
internal sealed class RunReader
{
    private readonly ConcurrentDictionary<string, (long Generation, ReadRun Read)> _read = new(StringComparer.Ordinal);

    /// <summary>The run, or what is wrong with it.</summary>
    public ReadRun Read(RunEntity entity)
    {
        var generation = entity.Metadata.Generation ?? 0;
        if (_read.TryGetValue(entity.Metadata.Uid, out var known) && known.Generation == generation)
        {
            return known.Read;
        }

        var read = Parse(entity);
        _read[entity.Metadata.Uid] = (generation, read);
        return read;
    }

    /// <summary>Forgets a run that is gone.</summary>
    public void Forget(RunEntity entity) => _read.TryRemove(entity.Metadata.Uid, out _);

    private static ReadRun Parse(RunEntity entity)
    {
        try
        {
            var metadata = new ObjectMeta { Name = entity.Metadata.Name, Namespace = entity.Metadata.NamespaceProperty };
            var run = ResourceReader.ReadRun(RunKey.KindOf(entity), metadata, entity.Spec ?? default(JsonElement));
            return new ReadRun(run, [], SpecDigest.Of(run));
        }
        catch (InvalidInputException e)
        {
            return new ReadRun(null, e.Errors, null);
        }
    }
}

/// <summary>A spec as it was read.</summary>
/// <param name="Run">The run; null where the spec breaks a rule.</param>
/// <param name="Errors">What is wrong.</param>
/// <param name="Digest">Digest of what must not change; null where it was not read.</param>
internal sealed record ReadRun(Run? Run, IReadOnlyList<InputError> Errors, string? Digest);
