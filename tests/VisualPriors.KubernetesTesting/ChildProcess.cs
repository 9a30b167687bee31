using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace VisualPriors.KubernetesTesting;

/// <summary>A server that dies with this process, however this process dies. Its last output is kept for error messages.</summary>
public sealed partial class ChildProcess : IDisposable
{
    private const int KeptLines = 400;
    private const int Stop = 19;
    private const int Continue = 18;

    private readonly ManualResetEventSlim _disposed = new();
    private readonly ConcurrentQueue<string> _output = new();
    private readonly string _name;
    private Process? _process;

    /// <summary>Starts a program.</summary>
    /// <param name="file">Program.</param>
    /// <param name="arguments">Arguments.</param>
    public ChildProcess(string file, IEnumerable<string> arguments)
    {
        _name = Path.GetFileName(file);
        // The kernel kills a child when the thread that started it ends, not the process: so a thread of its own, that lives as long.
        var started = new TaskCompletionSource();
        var thread = new Thread(() =>
        {
            try
            {
                _process = Start(file, arguments);
                started.SetResult();
            }
            catch (Exception error)
            {
                started.SetException(error);
                return;
            }
            _disposed.Wait();
        })
        { IsBackground = true, Name = $"parent of {_name}" };
        thread.Start();
        started.Task.GetAwaiter().GetResult();
    }

    /// <summary>Process id.</summary>
    public int Id => _process!.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process!.HasExited;

    /// <summary>Its last lines.</summary>
    public string Output => string.Join(Environment.NewLine, _output);

    /// <summary>Halts it where it stands: it neither answers nor closes its connections.</summary>
    public void Freeze() => Signal(Stop);

    /// <summary>Lets it go on.</summary>
    public void Thaw() => Signal(Continue);

    /// <summary>kill -9.</summary>
    public void Dispose()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            process.WaitForExit(TimeSpan.FromSeconds(10));
        }
        _process?.Dispose();
        _disposed.Set();
    }

    private Process Start(string file, IEnumerable<string> arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", "--", file, .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            },
        };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }
        _output.Enqueue(line);
        while (_output.Count > KeptLines)
        {
            _output.TryDequeue(out _);
        }
    }

    private void Signal(int signal)
    {
        if (Kill(Id, signal) != 0)
        {
            throw new InvalidOperationException($"{_name} ({Id}) cannot be signalled: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
