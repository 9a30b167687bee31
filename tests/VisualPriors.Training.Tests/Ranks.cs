using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using TorchSharp;
using VisualPriors.Distributed.Communication;

namespace VisualPriors.Training.Tests;

/// <summary>Several ranks in one process, a thread each, joined over TCP on loopback.</summary>
internal static class Ranks
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Runs every rank; gives what each gave, or throws what the first (by rank) threw that is not about another rank's end.</summary>
    public static T[] Run<T>(int size, int localSize, Func<World, T> body)
    {
        if (size == 1)
        {
            using var world = new SingleProcess();
            return [body(world)];
        }

        var port = FreePort();
        var results = new T[size];
        var failures = new Exception?[size];
        var threads = Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                using var world = JoinedWorld.Join(Settings(size, localSize, rank, port), DeviceType.CPU, CancellationToken.None);
                results[rank] = body(world);
            }
            catch (Exception e)
            {
                failures[rank] = e;
            }
        })
        { IsBackground = true }).ToList();
        threads.ForEach(thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(Patience), "a rank hangs"));
        var first = failures.OrderBy(failure => failure is CollectiveException ? 1 : 0).FirstOrDefault(failure => failure is not null);
        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        return results;
    }

    private static RendezvousSettings Settings(int size, int localSize, int rank, int port) => new()
    {
        Rank = rank,
        WorldSize = size,
        LocalRank = rank % localSize,
        LocalSize = localSize,
        MasterAddress = "127.0.0.1",
        MasterPort = port,
        Attempt = 1,
        Token = "a token for these tests",
        JoinTimeout = Patience,
        CollectiveTimeout = Patience,
    };

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
