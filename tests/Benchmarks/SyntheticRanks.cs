using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using TorchSharp;
using VisualPriors.Distributed.Communication;

namespace VisualPriors.Benchmarks;

/// <summary>A synthetic training in processes of its own, one for each rank, that take steps when asked to.</summary>
internal sealed class SyntheticRanks : IDisposable
{
    /// <summary>The argument that makes this program one of the processes.</summary>
    public const string Argument = "synthetic-rank";

    private readonly SyntheticModel _model;
    private readonly List<Process> _ranks = [];

    /// <summary>Starts the ranks, which all share the machine's first GPU where the model is on one.</summary>
    /// <param name="model">What they train.</param>
    /// <param name="size">How many.</param>
    /// <param name="threads">CPU threads of each.</param>
    public SyntheticRanks(SyntheticModel model, int size, int threads = 1)
    {
        _model = model;
        var port = FreePort();
        for (var rank = 0; rank < size; rank++)
        {
            // Run by the runtime, or as a program that brings its own.
            var host = Environment.ProcessPath!;
            string[] program = Path.GetFileNameWithoutExtension(host) == "dotnet" ? [typeof(SyntheticRanks).Assembly.Location] : [];
            string[] arguments =
            [
                .. program, Argument, model.Preset, $"{model.Device}", $"{model.Type}", $"{model.GlobalBatchSize}", $"{model.Length}",
                $"{model.ZeroStage}",
            ];
            var start = new ProcessStartInfo(host, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
            start.Environment["OMP_NUM_THREADS"] = $"{threads}";
            start.Environment["NCCL_HOSTID"] = $"rank-{rank}"; // NCCL refuses two ranks on one GPU, unless it takes them for two machines
            if (size > 1)
            {
                start.Environment["RANK"] = start.Environment["LOCAL_RANK"] = $"{rank}";
                start.Environment["WORLD_SIZE"] = start.Environment["LOCAL_WORLD_SIZE"] = $"{size}";
                start.Environment["MASTER_ADDR"] = "127.0.0.1";
                start.Environment["MASTER_PORT"] = $"{port}";
                start.Environment["VISUALPRIORS_RENDEZVOUS_TOKEN"] = "a token for this benchmark";
            }

            _ranks.Add(Process.Start(start)!);
        }
    }

    /// <summary>Takes steps; gives tokens per second of all ranks together and every step's loss over all samples.</summary>
    public (double TokensPerSecond, double[] Losses) Steps(int count)
    {
        _ranks.ForEach(rank => rank.StandardInput.WriteLine(count.ToString(CultureInfo.InvariantCulture)));
        var answers = _ranks.Select(rank => (rank.StandardOutput.ReadLine() ?? throw new InvalidOperationException("a rank ended"))
            .Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray()).ToList();
        var tokens = (double)count * _model.GlobalBatchSize * _model.Length;
        return (tokens / answers.Max(answer => answer[0]), [.. Enumerable.Range(1, count).Select(i => answers.Average(answer => answer[i]))]);
    }

    /// <summary>One of the processes: reads numbers of steps, answers with seconds and losses.</summary>
    public static void RunRank(IReadOnlyList<string> arguments)
    {
        var model = new SyntheticModel(
            arguments[0], Enum.Parse<DeviceType>(arguments[1]), Enum.Parse<torch.ScalarType>(arguments[2]), Number(3), Number(4), Number(5));
        torch.InitializeDeviceType(model.Device);
        using var world = JoinedWorld.Join(RendezvousSettings.FromEnvironment(), model.Device, CancellationToken.None);
        using var training = new SyntheticTraining(model, world);
        while (Console.ReadLine() is { } count)
        {
            var (seconds, losses) = training.Steps(int.Parse(count, CultureInfo.InvariantCulture));
            Console.WriteLine(string.Join(' ', losses.Prepend(seconds).Select(value => value.ToString("R", CultureInfo.InvariantCulture))));
        }

        int Number(int i) => int.Parse(arguments[i], CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        foreach (var rank in _ranks)
        {
            rank.StandardInput.Close();
            rank.WaitForExit();
            rank.Dispose();
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
