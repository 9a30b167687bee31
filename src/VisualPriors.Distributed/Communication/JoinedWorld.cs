using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using TorchSharp;
using VisualPriors.Torch;

namespace VisualPriors.Distributed.Communication;

/// <summary>
/// A run of several processes that found each other over TCP. Collectives of tensors on a CPU go over TCP too, those on a GPU by NCCL.
/// </summary>
public sealed class JoinedWorld : World
{
    private const int StepsChannel = 0;
    private const int CheckpointsChannel = 1;
    private const int GroupsChannel = 2;
    private readonly RendezvousSettings _settings;
    private readonly Rendezvous _rendezvous;
    private readonly PeerFailures _failures = new();
    private readonly PeerWatch _watch;
    private readonly CollectiveContext _context;
    private readonly List<IDisposable> _parts = [];
    private readonly HostChannel _groups;
    private readonly NcclLibrary? _nccl;
    private readonly NcclStreams? _cuda;
    private int _groupCount;
    private bool _isDisposed;

    private JoinedWorld(
        RendezvousSettings settings,
        Rendezvous rendezvous,
        NcclLibrary? nccl,
        NcclStreams? cuda,
        Action<CollectiveException>? onFailure,
        CancellationToken cancellationToken)
    {
        _settings = settings;
        _nccl = nccl;
        _cuda = cuda;
        _rendezvous = rendezvous;
        _context = new CollectiveContext(settings.CollectiveTimeout, _failures, FlightRecorder, FlightRecordPath(settings));
        _watch = new PeerWatch(rendezvous.Watches, _failures);
        _failures.Reported += WriteFlightRecord;
        _failures.Reported += reason => onFailure?.Invoke(new CollectiveException(
            $"{reason}{(_context.FlightRecordPath is { } path ? $"; flight record: {path}" : "")}"));
        try
        {
            Steps = OpenChannel("steps", StepsChannel, cancellationToken);
            Checkpoints = OpenChannel("checkpoints", CheckpointsChannel, cancellationToken);
            _groups = OpenChannel("groups", GroupsChannel, cancellationToken);
            Everyone = CreateGroup([.. Enumerable.Range(0, Size)], cancellationToken);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override int Rank => _settings.Rank;

    /// <inheritdoc/>
    public override int Size => _settings.WorldSize;

    /// <inheritdoc/>
    public override int LocalRank => _settings.LocalRank;

    /// <inheritdoc/>
    public override int LocalSize => _settings.LocalSize;

    /// <inheritdoc/>
    public override ICommunicator Everyone { get; }

    /// <inheritdoc/>
    public override HostChannel Steps { get; }

    /// <inheritdoc/>
    public override HostChannel Checkpoints { get; }

    /// <inheritdoc/>
    public override FlightRecorder FlightRecorder { get; } = new();

    /// <summary>Joins the run; waits until all its processes did.</summary>
    /// <param name="settings">Which process this is, and where the others are found.</param>
    /// <param name="device">Where the tensors of collectives are: on a CPU or on a CUDA device, the only one that the process sees.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <param name="onFailure">
    /// Hears, on a thread in the background, that no collective will end any more, once the flight record is written: a thread that waits
    /// for a GPU would not notice by itself.
    /// </param>
    /// <exception cref="RendezvousException">This process is refused, or not all came in time.</exception>
    /// <exception cref="CollectiveException">Another process ended while connections were made.</exception>
    /// <exception cref="DllNotFoundException">NCCL or CUDA is not there.</exception>
    public static World Join(
        RendezvousSettings settings, DeviceType device, CancellationToken cancellationToken, Action<CollectiveException>? onFailure = null)
    {
        if (settings.WorldSize == 1)
        {
            return new SingleProcess();
        }

        var nccl = device == DeviceType.CUDA ? NcclLibrary.Load() : null;
        var cuda = device == DeviceType.CUDA ? NcclStreams.Load() : null;
        var rendezvous = Rendezvous.Join(settings, cancellationToken);
        try
        {
            return new JoinedWorld(settings, rendezvous, nccl, cuda, onFailure, cancellationToken);
        }
        catch
        {
            rendezvous.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override ICommunicator CreateGroup(IReadOnlyList<int> ranks) => CreateGroup(ranks, CancellationToken.None);

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;

        // First: from here on this process's connections close for no bad reason.
        _watch.Dispose();
        _parts.ForEach(part => part.Dispose());
        _rendezvous.Dispose();
    }

    private static string? FlightRecordPath(RendezvousSettings settings) =>
        settings.FlightRecordDirectory is { } directory ? Path.Combine(directory, $"flight-record-rank-{settings.Rank}.json") : null;

    private ICommunicator CreateGroup(IReadOnlyList<int> ranks, CancellationToken cancellationToken)
    {
        var group = _groupCount++;
        var place = PlaceIn(ranks);
        CheckAgreement(group, ranks, cancellationToken);
        if (ranks.Count == 1 && _nccl is null)
        {
            return new SingleProcess().Everyone;
        }

        ICommunicator communicator = _nccl is not null && _cuda is not null
            ? CreateNcclGroup(_nccl, _cuda, group, ranks, place, cancellationToken)
            : CreateRing(group, ranks, place, cancellationToken);
        _parts.Add(communicator);
        return communicator;
    }

    private NcclCommunicator CreateNcclGroup(
        NcclLibrary nccl, NcclStreams cuda, int group, IReadOnlyList<int> ranks, int place, CancellationToken cancellationToken)
    {
        var ids = _groups.AllGather(place == 0 ? nccl.GetUniqueId() : [], cancellationToken);
        return new NcclCommunicator(nccl, cuda, DeviceType.CUDA, group, ranks, place, ids[ranks[0]], _context);
    }

    private TcpCommunicator CreateRing(int group, IReadOnlyList<int> ranks, int place, CancellationToken cancellationToken)
    {
        var next = ranks[(place + 1) % ranks.Count];
        var previous = ranks[(place + ranks.Count - 1) % ranks.Count];
        return Connecting($"group {group}", patience =>
        {
            var sending = _rendezvous.Connect(LinkPurpose.Ring, group, next, patience);
            try
            {
                var receiving = _rendezvous.Accept(LinkPurpose.Ring, group, previous, patience);
                return new TcpCommunicator(group, ranks, place, sending, receiving, _context);
            }
            catch
            {
                sending.Dispose();
                throw;
            }
        }, cancellationToken);
    }

    private int PlaceIn(IReadOnlyList<int> ranks)
    {
        var place = -1;
        for (var i = 0; i < ranks.Count; i++)
        {
            if (ranks[i] < 0 || ranks[i] >= Size || (i > 0 && ranks[i] <= ranks[i - 1]))
            {
                throw new ArgumentException($"ranks {string.Join(", ", ranks)}, expected some of 0 to {Size - 1} in ascending order", nameof(ranks));
            }

            place = ranks[i] == Rank ? i : place;
        }

        return place >= 0 ? place : throw new ArgumentException($"ranks {string.Join(", ", ranks)}, expected rank {Rank} among them", nameof(ranks));
    }

    /// <summary>All ranks must mean the same groups: otherwise somebody would wait for ever.</summary>
    private void CheckAgreement(int group, IReadOnlyList<int> ranks, CancellationToken cancellationToken)
    {
        var messages = _groups.AllGather(JsonSerializer.SerializeToUtf8Bytes([.. ranks], GroupJson.Default.Int32Array), cancellationToken);
        foreach (var sameGroup in messages.Index().GroupBy(message => Encoding.UTF8.GetString(message.Item), message => message.Index))
        {
            if (!JsonSerializer.Deserialize(sameGroup.Key, GroupJson.Default.Int32Array)!.SequenceEqual(sameGroup))
            {
                throw new CollectiveException(_failures.Report(
                    $"group {group} is to have the ranks {sameGroup.Key}, but only ranks {string.Join(", ", sameGroup)} say so: all ranks must create the same groups in the same order"));
            }
        }
    }

    private StarChannel OpenChannel(string name, int number, CancellationToken cancellationToken)
    {
        var channel = Connecting($"the {name} channel", patience =>
        {
            var links = new List<PeerLink>();
            try
            {
                if (Rank != 0)
                {
                    links.Add(_rendezvous.Connect(LinkPurpose.Channel, number, 0, patience));
                }
                else
                {
                    links.AddRange(Enumerable.Range(1, Size - 1).Select(rank => _rendezvous.Accept(LinkPurpose.Channel, number, rank, patience)));
                }

                return new StarChannel(name, Rank, links, Size, _settings.CollectiveTimeout, _failures, FlightRecorder);
            }
            catch
            {
                links.ForEach(link => link.Dispose());
                throw;
            }
        }, cancellationToken);
        _parts.Add(channel);
        return channel;
    }

    private T Connecting<T>(string what, Func<Patience, T> connect, CancellationToken cancellationToken)
    {
        try
        {
            return connect(new Patience(_settings.CollectiveTimeout, _failures, cancellationToken));
        }
        catch (Exception e) when (e is IOException or RefusedException)
        {
            throw new CollectiveException($"rank {Rank} cannot make the connections of {what}: {_failures.Explain(e.Message)}", e);
        }
        catch (Exception e) when (e is PeerGoneException or TimeoutException)
        {
            throw new CollectiveException(
                $"rank {Rank} cannot make the connections of {what}: {_failures.Report(e is PeerGoneException ? e.Message : $"rank {Rank} waited in vain for {what}")}", e);
        }
    }

    private void WriteFlightRecord(string reason)
    {
        if (_context.FlightRecordPath is { } path)
        {
            try
            {
                FlightRecorder.Write(path, Rank, reason);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The failure itself matters more than its record.
                Console.Error.WriteLine($"the flight record {path} cannot be written: {e.Message}");
            }
        }
    }
}

/// <summary>The shape of what ranks tell each other of a group.</summary>
[JsonSerializable(typeof(int[]))]
internal sealed partial class GroupJson : JsonSerializerContext;
