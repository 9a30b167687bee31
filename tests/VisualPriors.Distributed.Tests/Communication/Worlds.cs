using System.Net;
using System.Net.Sockets;
using TorchSharp;
using VisualPriors.Distributed.Communication;

namespace VisualPriors.Distributed.Tests.Communication;

/// <summary>Several ranks in one process, a thread each.</summary>
internal static class Worlds
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Keeps runs of these tests that are under way at once apart.</summary>
    public static readonly string Token = $"a token for these tests: {Guid.NewGuid()}";

    public static RendezvousSettings Settings(int size, int port, int rank = 0) => new()
    {
        Rank = rank,
        WorldSize = size,
        LocalRank = rank,
        LocalSize = size,
        MasterAddress = "127.0.0.1",
        MasterPort = port,
        Attempt = 3,
        Token = Token,
        JoinTimeout = Patience,
        CollectiveTimeout = Patience,
    };

    /// <summary>A port that nobody listens at, out of those that the system gives to nobody by itself.</summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(10_000, 30_000);
            try
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken: another.
            }
        }
    }

    /// <summary>Joins worlds and lets every rank do something with its own; all must succeed.</summary>
    public static void Run(int size, Action<World> body, Func<RendezvousSettings, RendezvousSettings>? change = null)
    {
        var failures = Try(size, body, change).OfType<Exception>().ToArray();
        if (failures.Length > 0)
        {
            throw new AggregateException(failures);
        }
    }

    /// <summary>The same, but lets them fail.</summary>
    /// <returns>By rank: what went wrong.</returns>
    public static Exception?[] Try(int size, Action<World> body, Func<RendezvousSettings, RendezvousSettings>? change = null)
    {
        var port = FreePort();
        return Try([.. Enumerable.Range(0, size).Select(rank => (Action)(() =>
        {
            var settings = Settings(size, port, rank);
            using var world = JoinedWorld.Join(change?.Invoke(settings) ?? settings, DeviceType.CPU, CancellationToken.None);
            body(world);
        }))]);
    }

    /// <summary>Runs actions at once.</summary>
    /// <returns>What went wrong with each.</returns>
    public static Exception?[] Try(params Action[] actions)
    {
        var failures = new Exception?[actions.Length];
        var threads = actions.Select((action, i) => new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failures[i] = e;
            }
        })
        { IsBackground = true }).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        foreach (var thread in threads)
        {
            Assert.True(thread.Join(TimeSpan.FromSeconds(120)), "a rank hangs");
        }

        return failures;
    }
}
