using System.Diagnostics;
using System.Globalization;

namespace VisualPriors.Benchmarks;

/// <summary>The same training in PyTorch: a Python process that takes a number of steps a line.</summary>
internal sealed class PyTorchPeer : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts it.</summary>
    /// <param name="folder">Weights and data, as <see cref="SyntheticTraining.Save"/> leaves them.</param>
    /// <param name="threads">CPU threads.</param>
    /// <param name="options">Device, and <c>compiled</c>; none means the CPU, eager.</param>
    public PyTorchPeer(string folder, int threads, params string[] options)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "Peers", "training_throughput.py");
        var python = options.Length == 0 ? "/usr/bin/python3" : "python3"; // Debian's PyTorch is not in a Python that stands before it
        _process = Process.Start(new ProcessStartInfo(python, [script, folder, $"{threads}", .. options])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["OMP_NUM_THREADS"] = $"{threads}" },
        })!;
    }

    /// <summary>Takes steps; gives their time and the last one's loss.</summary>
    public (double Seconds, double Loss) Steps(int count)
    {
        _process.StandardInput.WriteLine(count);
        var answer = _process.StandardOutput.ReadLine()?.Split(' ')
            ?? throw new InvalidOperationException("the peer ended; are PyTorch and numpy installed (Debian: python3-torch and python3-numpy)?");
        return (double.Parse(answer[0], CultureInfo.InvariantCulture), double.Parse(answer[1], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
