using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Storage.Checkpoints;
using VisualPriors.Storage.Objects;
using VisualPriors.Torch;
using VisualPriors.Training.Loops;
using static TorchSharp.torch;

namespace VisualPriors.Training.Checkpoints;

/// <summary>
/// Saves and restores a training stage. Every rank has one, and all call its methods at the same steps. Training waits only while its state is
/// copied; writing, hashing, committing and retention go on beside it. A save that fails is told and tried again at the next occasion; after
/// <see cref="MaximumFailures"/> in a row the run ends, so that a store that is gone does not go unnoticed.
/// </summary>
public sealed class Checkpointer : IDisposable
{
    /// <summary>Saves that may fail in a row (INFERRED: a store's outage over two intervals).</summary>
    private const int MaximumFailures = 3;

    private readonly CheckpointStore _store;
    private readonly World _world;
    private readonly CheckpointSpec _policy;
    private readonly Action<string> _warn;
    private StateBuffer? _buffer;
    private Task<SaveResult>? _saving;
    private ResumePoint _resume;
    private long? _lastBegun;
    private int _failures;

    private Checkpointer(CheckpointStore store, World world, CheckpointSpec policy, ResumePoint resume, Action<string> warn)
    {
        (_store, _world, _policy, _resume, _warn) = (store, world, policy, resume, warn);
        LastStep = resume.Step;
        _lastBegun = resume.Step;
    }

    /// <summary>Step of the last checkpoint that this rank knows to be whole.</summary>
    public long? LastStep { get; private set; }

    /// <summary>Longest time that training waited for a copy of its state.</summary>
    public TimeSpan LongestStall { get; private set; }

    /// <summary>Whether there may be a checkpoint to go back to; the same on every rank.</summary>
    internal bool HasBegun => _lastBegun is not null;

    /// <summary>Opens a stage's checkpoints: rank 0 takes the fence and tells the others where to go on. Every rank calls it.</summary>
    /// <param name="placement">Where, and when to save.</param>
    /// <param name="stageDigest">The stage.</param>
    /// <param name="world">The ranks.</param>
    /// <param name="attempt">Number of this attempt; null takes the one after the last.</param>
    /// <param name="warn">Told of saves that failed and checkpoints that were passed over.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="FencedException">A later attempt has the fence.</exception>
    /// <exception cref="InvalidInputException">The address is wrong, or a manifest cannot be understood.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public static Checkpointer Open(
        CheckpointPlacement placement, string stageDigest, World world, long? attempt, Action<string> warn, CancellationToken cancellationToken)
    {
        var objects = ObjectStores.Open(placement.Address);
        CheckpointStore? store = null;
        var point = new ResumePoint(0, null, null);
        if (world.Rank == 0)
        {
            (store, var latest) = CheckpointStore.AcquireAsync(objects, stageDigest, attempt, cancellationToken).GetAwaiter().GetResult();
            foreach (var skipped in store.Skipped)
            {
                warn($"the checkpoint of step {skipped.Step} (attempt {skipped.Attempt}) is passed over: {skipped.Reason}");
            }

            point = new ResumePoint(store.Attempt, latest?.Position.Step, latest?.Attempt);
        }

        point = Tell(world.Steps, point);
        return new Checkpointer(store ?? new CheckpointStore(objects, stageDigest, point.Attempt), world, placement.Policy, point, warn);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A save that is under way still reads the buffer.
        _saving?.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        _buffer?.Dispose();
    }

    /// <summary>Whether the policy asks for a checkpoint after a step.</summary>
    internal bool IsDue(long step) => _policy.EverySteps > 0 && step % _policy.EverySteps == 0;

    /// <summary>Goes back to the last whole checkpoint; null where there is none.</summary>
    /// <exception cref="InvalidInputException">The checkpoint is damaged (its part is named), or of another model.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    internal CheckpointPosition? TryRestore(ShardedAdamW optimizer, MetricsLog log)
    {
        _buffer ??= new StateBuffer(optimizer.SavedState);
        if (_resume is not { Step: { } step, StepAttempt: { } attempt })
        {
            return null;
        }

        var manifest = _store.OpenAsync(step, attempt, CancellationToken.None).GetAwaiter().GetResult();
        var parts = manifest.Parts.ToDictionary(part => part.Name, StringComparer.Ordinal);
        var layout = CheckpointLayout.Parse(ReadWhole(manifest, parts, CheckpointLayout.FileName, CheckpointLayout.MaximumBytes));
        layout.Check(optimizer.Units);
        foreach (var slice in optimizer.HeldState)
        {
            foreach (var (segment, start, length) in layout.Cover(slice.Unit, slice.Start, slice.Length))
            {
                var part = PartOf(parts, segment.Part);
                var kinds = new[] { slice.Master, slice.FirstMoment, slice.SecondMoment };
                for (var kind = 0; kind < kinds.Length; kind++)
                {
                    var offset = segment.Offset + (sizeof(float) * ((kind * segment.Length) + start - segment.Start));
                    Read(manifest, part, offset, kinds[kind].narrow(0, start - slice.Start, length));
                }
            }
        }

        try
        {
            log.Restore(ReadWhole(manifest, parts, MetricsLog.FileName, int.MaxValue));
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(MetricsLog.FileName, e.Path, e.Message, "a run's metrics, one JSON object a line");
        }

        optimizer.Resume(manifest.Position.Step - manifest.Position.SkippedSteps);
        return manifest.Position;
    }

    /// <summary>Saves the state beside training; waits first for a save that is still under way.</summary>
    /// <exception cref="StoreException">Too many saves failed in a row.</exception>
    /// <exception cref="FencedException">A later attempt has taken over.</exception>
    internal void Save(CheckpointPosition position, MetricsLog log, ShardedAdamW optimizer)
    {
        Complete();
        var started = Stopwatch.GetTimestamp();
        (_buffer ??= new StateBuffer(optimizer.SavedState)).Copy();
        var stall = Stopwatch.GetElapsedTime(started);
        LongestStall = stall > LongestStall ? stall : LongestStall;
        var metrics = _world.Rank == 0 ? log.ToBytes() : [];
        _lastBegun = position.Step;
        _saving = Task.Run(() => WriteAsync(position, metrics, optimizer));
    }

    /// <summary>Saves the state and waits until it is durable.</summary>
    /// <exception cref="StoreException">It could not be saved.</exception>
    internal void SaveBeforeStopping(CheckpointPosition position, MetricsLog log, ShardedAdamW optimizer)
    {
        Complete();
        if (LastStep != position.Step)
        {
            _failures = MaximumFailures - 1; // there is no next occasion
            Save(position, log, optimizer);
            Complete();
        }
    }

    /// <summary>Waits for a save that is under way.</summary>
    /// <exception cref="StoreException">Too many saves failed in a row.</exception>
    /// <exception cref="FencedException">A later attempt has taken over.</exception>
    internal void Complete()
    {
        var result = _saving?.GetAwaiter().GetResult();
        _saving = null;
        switch (result)
        {
            case null:
                break;
            case { IsFenced: true, Error: { } error }:
                throw new FencedException(error);
            case { Error: { } error }:
                _warn($"the checkpoint of step {result.Step} was not saved: {error}");
                if (++_failures >= MaximumFailures)
                {
                    throw new StoreException($"the checkpoint of step {result.Step} was not saved: {error}");
                }

                break;
            default:
                _failures = 0;
                LastStep = result.Step;
                _resume = new ResumePoint(_store.Attempt, result.Step, _store.Attempt);
                break;
        }
    }

    private static ResumePoint Tell(HostChannel channel, ResumePoint own) => JsonSerializer.Deserialize(
        channel.AllGather(JsonSerializer.SerializeToUtf8Bytes(own, CheckpointJson.Default.ResumePoint), CancellationToken.None)[0],
        CheckpointJson.Default.ResumePoint)!;

    private async Task<SaveResult> WriteAsync(CheckpointPosition position, byte[] metrics, ShardedAdamW optimizer)
    {
        var own = await TryWritePartsAsync(position.Step, metrics, optimizer.SavedState).ConfigureAwait(false);
        var all = Exchange(own);
        if (all.FirstOrDefault(part => part.Error is not null) is not { } failed)
        {
            var committed = _world.Rank == 0 ? await TryCommitAsync(position, all, optimizer).ConfigureAwait(false) : new RankPart([], []);
            failed = Exchange(committed)[0];
        }

        return new SaveResult(position.Step, failed.Error, failed.IsFenced);
    }

    private List<RankPart> Exchange(RankPart own) =>
        [.. _world.Checkpoints.AllGather(JsonSerializer.SerializeToUtf8Bytes(own, CheckpointJson.Default.RankPart), CancellationToken.None)
            .Select(message => JsonSerializer.Deserialize(message, CheckpointJson.Default.RankPart)!)];

    private async Task<RankPart> TryWritePartsAsync(long step, byte[] metrics, IReadOnlyList<StateSlice> slices)
    {
        try
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"state-{_world.Rank:D5}-of-{_world.Size:D5}.safetensors");
            List<CheckpointPart> parts = [await _store.WritePartAsync(step, name, _buffer!.Content, CancellationToken.None).ConfigureAwait(false)];
            if (_world.Rank == 0)
            {
                parts.Add(await _store.WritePartAsync(step, MetricsLog.FileName, [metrics], CancellationToken.None).ConfigureAwait(false));
            }

            var segments = new List<CheckpointSegment>();
            long offset = _buffer.Header.Length;
            foreach (var slice in slices)
            {
                segments.Add(new CheckpointSegment(name, slice.Unit, slice.Start, slice.Length, offset));
                offset += 3 * sizeof(float) * slice.Length;
            }

            return new RankPart(parts, segments);
        }
        catch (StoreException e)
        {
            return new RankPart([], [], $"rank {_world.Rank}: {e.Message}");
        }
    }

    private async Task<RankPart> TryCommitAsync(CheckpointPosition position, List<RankPart> all, ShardedAdamW optimizer)
    {
        try
        {
            var layout = new CheckpointLayout
            {
                Units = optimizer.Units.ToDictionary(unit => unit.Name, unit => unit.Elements, StringComparer.Ordinal),
                Segments = [.. all.SelectMany(rank => rank.Segments)],
            };
            var json = JsonSerializer.SerializeToUtf8Bytes(layout, CheckpointJson.Default.CheckpointLayout);
            var part = await _store.WritePartAsync(position.Step, CheckpointLayout.FileName, [json], CancellationToken.None).ConfigureAwait(false);
            await _store.CommitAsync(position, [.. all.SelectMany(rank => rank.Parts), part], CancellationToken.None).ConfigureAwait(false);
        }
        catch (FencedException e)
        {
            return new RankPart([], [], e.Message, IsFenced: true);
        }
        catch (StoreException e)
        {
            return new RankPart([], [], $"rank 0: {e.Message}");
        }

        try
        {
            await _store.RetainAsync(_policy, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StoreException e)
        {
            _warn($"older checkpoints were not cleared away: {e.Message}"); // the next save tries again
        }

        return new RankPart([], []);
    }

    private byte[] ReadWhole(CheckpointManifest manifest, Dictionary<string, CheckpointPart> parts, string name, int maximumBytes)
    {
        var part = PartOf(parts, name);
        if (part.Bytes > maximumBytes)
        {
            throw new InvalidInputException(name, null, $"{part.Bytes} bytes", $"at most {maximumBytes} bytes");
        }

        var bytes = new byte[part.Bytes];
        _store.ReadAsync(manifest, part, 0, bytes, CancellationToken.None).GetAwaiter().GetResult();
        return bytes;
    }

    /// <summary>Reads a part's bytes into fp32 elements, wherever they live.</summary>
    private void Read(CheckpointManifest manifest, CheckpointPart part, long offset, Tensor destination)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var host = empty(destination.numel(), ScalarType.Float32, CPU);
        foreach (var memory in TensorBytes.Of(host))
        {
            _store.ReadAsync(manifest, part, offset, memory, CancellationToken.None).GetAwaiter().GetResult();
            offset += memory.Length;
        }

        destination.copy_(host);
    }

    private static CheckpointPart PartOf(Dictionary<string, CheckpointPart> parts, string name) =>
        parts.GetValueOrDefault(name) ?? throw new InvalidInputException(name, null, "no such part in the checkpoint's manifest", "a part of the checkpoint");

    private sealed record SaveResult(long Step, string? Error, bool IsFenced);
}
