using System.Diagnostics;
using k8s.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>One server for all tests that do not hurt it; each takes a namespace of its own.</summary>
internal static class SharedServer
{
    private static readonly Lazy<Task<TestApiServer>> Started = new(async () =>
    {
        var server = await TestApiServer.StartAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.DisposeAsync().AsTask().Wait();
        await server.ApplyYamlAsync(Widget.Definition);
        return server;
    });

    public static Task<TestApiServer> GetAsync() => Started.Value;
}

/// <summary>Waits for what other threads and the server do: no test depends on how long that takes.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    public static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    public static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, $"waited {Patience} in vain for: {what}");
            await Task.Delay(10);
        }
    }
}

/// <summary>Something that runs beside a test until the test ends.</summary>
internal sealed class Running : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();

    private Running(Func<CancellationToken, Task> run) => Task = System.Threading.Tasks.Task.Run(() => run(_stop.Token));

    public Task Task { get; }

    public static Running Start(Func<CancellationToken, Task> run) => new(run);

    public Task StopAsync()
    {
        _stop.Cancel();
        return Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await Task;
        }
        catch (Exception error) when (error is OperationCanceledException or LeadershipLostException)
        {
            // Tests that expect it look at the task themselves.
        }
        _stop.Dispose();
    }
}

/// <summary>Shorthands.</summary>
internal static class Make
{
    public static ResourceCache<TEntity> Cache<TEntity>(KubernetesConnection connection, ResourceCacheOptions<TEntity> options)
        where TEntity : class, k8s.IKubernetesObject<V1ObjectMeta> => new(connection, options, Log<ResourceCache<TEntity>>());

    public static ILogger<T> Log<T>() => NullLogger<T>.Instance;

    public static V1ConfigMap ConfigMap(string @namespace, string name, string value = "1", params (string Key, string Value)[] labels) => new()
    {
        Metadata = new V1ObjectMeta
        {
            NamespaceProperty = @namespace,
            Name = name,
            Labels = labels.ToDictionary(label => label.Key, label => label.Value),
        },
        Data = new Dictionary<string, string> { ["value"] = value },
    };
}
