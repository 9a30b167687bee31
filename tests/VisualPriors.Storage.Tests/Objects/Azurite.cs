using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace VisualPriors.Storage.Tests.Objects;

/// <summary>A real Azurite (the npm package, which deploy/setup.sh installs) on a free port of this machine, with a folder of its own.</summary>
internal sealed class Azurite : IAsyncDisposable
{
    public const string Account = "devstoreaccount1";

    /// <summary>The key that Azurite's documentation publishes: no secret.</summary>
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);
    private readonly string _folder = Directory.CreateTempSubdirectory("vp-azurite-").FullName;
    private Process? _process;

    private Azurite(int port) => Port = port;

    public int Port { get; }

    /// <summary>A connection string by way of a port: Azurite's own or a proxy's.</summary>
    public static string ConnectionString(int port) =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{port}/{Account};";

    public static async Task<Azurite> StartAsync()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var azurite = new Azurite(((IPEndPoint)probe.LocalEndpoint).Port);
        probe.Stop();
        try
        {
            await azurite.RunAsync();
            return azurite;
        }
        catch
        {
            await azurite.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it, on its port and folder; waits until it answers.</summary>
    public async Task RunAsync()
    {
        var script = Path.Combine(Packages(), "azurite", "dist", "src", "blob", "main.js");
        if (!File.Exists(script))
        {
            throw new InvalidOperationException($"{script} is missing: deploy/setup.sh installs the npm package azurite (test.sh runs it)");
        }

        _process = Process.Start(new ProcessStartInfo(
            "node", [script, "--blobHost", "127.0.0.1", "--blobPort", $"{Port}", "--location", _folder, "--silent", "--disableTelemetry"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        for (var watch = Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException("Azurite ended as it started");
            }

            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException) when (watch.Elapsed < StartTime)
            {
            }
        }
    }

    /// <summary>Ends it by SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    /// <summary>Ends it in an orderly way: it writes down all that it has.</summary>
    public async Task StopAsync()
    {
        using (var stop = Process.Start("kill", ["-TERM", $"{_process!.Id}"]))
        {
            await stop.WaitForExitAsync();
        }

        await _process.WaitForExitAsync().WaitAsync(StartTime);
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Packages()
    {
        if (Environment.GetEnvironmentVariable("VP_PACKAGES") is { Length: > 0 } named)
        {
            return named;
        }

        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Path.Combine(folder, "artifacts", "packages", "node_modules") is var found && Directory.Exists(found))
            {
                return found;
            }
        }

        throw new InvalidOperationException("VP_PACKAGES must name the node_modules folder that deploy/setup.sh filled (test.sh sets it)");
    }
}
