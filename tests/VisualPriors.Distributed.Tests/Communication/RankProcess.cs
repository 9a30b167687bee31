using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using VisualPriors.Distributed.Communication;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Tests.Communication;

/// <summary>A rank as a process of its own: this very assembly, run as a program. It ends when its standard input does.</summary>
internal sealed class RankProcess : IDisposable
{
    /// <summary>Loads NCCL and tells what from, instead of being a rank.</summary>
    public const string LoadNccl = "load-nccl";

    private const string Ready = "ready";
    private readonly Process _process;

    private RankProcess(Process process) => _process = process;

    public static int Main(string[] args)
    {
        if (args is [LoadNccl])
        {
            Console.WriteLine(NcclLibrary.Load().Name);
            return 0;
        }

        int Number(int place) => int.Parse(args[place], CultureInfo.InvariantCulture);
        using var world = JoinedWorld.Join(Worlds.Settings(Number(0), Number(1), Number(2)) with { Token = args[3] }, DeviceType.CPU, CancellationToken.None);
        TakePart(world);
        Console.WriteLine(Ready);
        Console.In.ReadToEnd();
        return 0;
    }

    /// <summary>What every rank does before one is killed.</summary>
    public static void TakePart(World world)
    {
        using var buffer = ones(10);
        world.Everyone.AllReduce(buffer).Wait();
        Assert.Equal(world.Size, buffer[0].item<float>());
        world.Checkpoints.AllGather([1], CancellationToken.None);
    }

    public static RankProcess Start(int size, int port, int rank) => new(StartProgram([$"{size}", $"{port}", $"{rank}", Worlds.Token], []));

    /// <summary>Runs the program to its end in another environment.</summary>
    /// <returns>The line that it wrote.</returns>
    public static string Run(string argument, Dictionary<string, string> environment)
    {
        using var process = StartProgram([argument], environment);
        process.StandardInput.Close();
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return text.Trim();
    }

    private static Process StartProgram(string[] arguments, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(RankProcess).Assembly.Location, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Waits until it took part.</summary>
    public void WaitUntilReady() => Assert.Equal(Ready, _process.StandardOutput.ReadLine());

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }
}
