using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using TorchSharp;
using VisualPriors.Distributed.Communication;
using static TorchSharp.torch;

namespace VisualPriors.Benchmarks;

/// <summary>
/// All-reduces of two processes over loopback against what iperf3 gets through it, in turns. An all-reduce of n ranks sends 2(n-1)/n times
/// its size from each rank, so two ranks send its size in either direction at once: that is to be compared with iperf3's two directions
/// together; the ratio to one direction alone is given too.
/// </summary>
internal static class AllReduceBandwidth
{
    private const int Ranks = 2;
    private const int Rounds = 5;
    private const int Seconds = 2;
    private static readonly (string Name, long Elements)[] Sizes = [("64 MiB", 16 << 20), ("1 MiB", 1 << 18)];

    public static int Run()
    {
        var ports = (Master: FreePort(), Iperf: FreePort());
        using var server = StartIperf("--server", "--port", $"{ports.Iperf}", "--bind", "127.0.0.1", "--logfile", "/dev/null");
        if (server is null)
        {
            Console.Error.WriteLine("iperf3 is missing: it is in Debian's package iperf3");
            return 2;
        }

        using var second = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!, [.. Host(), "all-reduce-bandwidth", "second", $"{ports.Master}"])
        { RedirectStandardInput = true })!;
        try
        {
            Measure(ports.Master, ports.Iperf);
            second.WaitForExit();
            return second.ExitCode;
        }
        finally
        {
            second.Kill();
            server.Kill();
            second.WaitForExit();
            server.WaitForExit();
        }
    }

    /// <summary>The second rank: joins in until the first says that it is enough.</summary>
    public static int RunSecond(string port)
    {
        using var world = Join(1, int.Parse(port, CultureInfo.InvariantCulture));
        while (world.Steps.AllGather([], CancellationToken.None)[0] is [var size])
        {
            Reduce(world, Sizes[size].Elements);
        }

        return 0;
    }

    private static void Measure(int masterPort, int iperfPort)
    {
        using var world = Join(0, masterPort);
        var rounds = Sizes.Select(_ => new List<double>()).ToArray();
        var (oneWay, bothWays) = (new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            var ours = Sizes.Select((size, which) =>
            {
                world.Steps.AllGather([(byte)which], CancellationToken.None);
                return Ranks * Reduce(world, size.Elements);
            }).ToArray();
            if (round == 0)
            {
                continue; // to get warm
            }

            for (var which = 0; which < Sizes.Length; which++)
            {
                rounds[which].Add(ours[which]);
            }

            oneWay.Add(Iperf(iperfPort));
            bothWays.Add(Iperf(iperfPort, "--bidir"));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"round {round}: all-reduce {string.Join(", ", Sizes.Select((size, which) => $"{size.Name} {ours[which] / 1e9:F2} GB/s"))}; iperf3 one way {oneWay[^1] / 1e9:F2}, both ways {bothWays[^1] / 1e9:F2} GB/s"));
        }

        world.Steps.AllGather([], CancellationToken.None);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"median, bytes over loopback in both directions: iperf3 one way {Median(oneWay) / 1e9:F2}, both ways {Median(bothWays) / 1e9:F2} GB/s"));
        for (var which = 0; which < Sizes.Length; which++)
        {
            var ours = Median(rounds[which]);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"all-reduce of {Sizes[which].Name} fp32: {ours / 1e9:F2} GB/s (each rank sends {ours / Ranks / 1e9:F2}), {ours / Median(bothWays):F2} of iperf3 both ways, {ours / Median(oneWay):F2} of one way"));
        }
    }

    /// <summary>All-reduces for some time.</summary>
    /// <returns>Bytes that a rank sent per second.</returns>
    private static double Reduce(World world, long elements)
    {
        using var buffer = zeros(elements);
        var (watch, count) = (Stopwatch.StartNew(), 0);

        // Both ranks stop at the same number: the first says after each few whether to go on.
        var few = (int)Math.Max(1, (64 << 20) / (elements * sizeof(float)));
        do
        {
            for (var i = 0; i < few; i++, count++)
            {
                world.Everyone.AllReduce(buffer).Wait();
            }
        }
        while (world.Steps.AllGather([watch.Elapsed.TotalSeconds < Seconds ? (byte)1 : (byte)0], CancellationToken.None)[0][0] == 1);
        return 2.0 * (Ranks - 1) / Ranks * elements * sizeof(float) * count / watch.Elapsed.TotalSeconds;
    }

    private static World Join(int rank, int port)
    {
        set_num_threads(1);
        return JoinedWorld.Join(
            new RendezvousSettings
            {
                Rank = rank,
                WorldSize = Ranks,
                LocalRank = rank,
                LocalSize = Ranks,
                MasterAddress = "127.0.0.1",
                MasterPort = port,
                Attempt = 1,
                Token = "nothing secret is measured",
                JoinTimeout = TimeSpan.FromSeconds(30),
                CollectiveTimeout = TimeSpan.FromSeconds(60),
            },
            DeviceType.CPU,
            CancellationToken.None);
    }

    /// <summary>What this program is run with, where that is not its own launcher.</summary>
    private static string[] Host() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? ["exec", typeof(AllReduceBandwidth).Assembly.Location] : [];

    /// <summary>Runs iperf3 for some time.</summary>
    /// <returns>Bytes received per second, all directions together.</returns>
    private static double Iperf(int port, params string[] options)
    {
        for (var tries = 0; ; tries++)
        {
            using var client = StartIperf(
                ["--client", "127.0.0.1", "--port", $"{port}", "--json", "--time", $"{Seconds}", .. options])!;
            using var report = JsonDocument.Parse(client.StandardOutput.ReadToEnd());
            client.WaitForExit();
            var root = report.RootElement;
            if (root.TryGetProperty("error", out var error))
            {
                // Its server takes a moment to be ready for the next.
                if (tries == 50)
                {
                    throw new InvalidOperationException($"iperf3: {error}");
                }

                Thread.Sleep(100);
                continue;
            }

            var end = root.GetProperty("end");
            return BytesPerSecond(end, "sum_received") + BytesPerSecond(end, "sum_received_bidir_reverse");
        }
    }

    private static double BytesPerSecond(JsonElement end, string direction) =>
        end.TryGetProperty(direction, out var sum) ? sum.GetProperty("bits_per_second").GetDouble() / 8 : 0;

    private static Process? StartIperf(params string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("iperf3", arguments) { RedirectStandardOutput = true });
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
