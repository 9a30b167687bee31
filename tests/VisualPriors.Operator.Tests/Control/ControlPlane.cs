using System.Runtime.CompilerServices;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.Api.Plans;
using VisualPriors.ControllerRuntime;
using VisualPriors.KubernetesTesting;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Hosting;
using VisualPriors.Operator.Progress.Authentication;
using VisualPriors.Operator.Settings;
using VisualPriors.Storage;

namespace VisualPriors.Operator.Tests.Control;

/// <summary>A real API server with the CRDs, and published data. No scheduler and no kubelet: tests say what becomes of pods.</summary>
public sealed class ControlPlane : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vp-operator-").FullName;

    public TestApiServer Server { get; private set; } = null!;

    public Kubernetes Client => Server.Client;

    /// <summary>Address of the object store: a folder.</summary>
    public string Store => $"file://{_folder}/store";

    public async Task InitializeAsync()
    {
        Server = await TestApiServer.StartAsync();
        foreach (var file in Directory.GetFiles(Path.Combine(Repository(), "crds"), "*.yaml"))
        {
            // Created, not applied: a server without CEL takes what it does not know for an error in an apply, and drops it in a create.
            var crd = KubernetesYaml.Deserialize<V1CustomResourceDefinition>(await File.ReadAllTextAsync(file), strict: false);
            await Client.ApiextensionsV1.CreateCustomResourceDefinitionAsync(crd);
            await EventuallyAsync(async () =>
                (await Client.ApiextensionsV1.ReadCustomResourceDefinitionAsync(crd.Metadata.Name)) is { Status.Conditions: { } conditions } found
                && conditions.Any(condition => condition is { Type: "Established", Status: "True" }) ? found : null);
        }

        foreach (var (name, kind) in new[]
        {
            ("corpus", ArtifactKind.TextCorpus), ("encoder", ArtifactKind.VisionEncoder), ("captions", ArtifactKind.ImageText), ("questions", ArtifactKind.MleBench),
        })
        {
            using var writer = new ArtifactWriter(Path.Combine(_folder, "data", name));
            await File.WriteAllTextAsync(writer.PathOf("content.txt"), name);
            await ArtifactStore.PublishAsync(writer.Commit(kind), $"{StagePlaces.DataOf(Store)}/{name}", default);
        }
    }

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Starts an operator for one namespace.</summary>
    internal RunningOperator StartOperator(
        string @namespace, int port = 0, TokenVerification verification = TokenVerification.TokenReview, DelegatingHandler? handler = null) =>
        new(this, @namespace, port == 0 ? Ports.Free() : port, verification, handler);

    /// <summary>A namespace with the service account that a controller manager would have made.</summary>
    public async Task<string> NamespaceAsync()
    {
        var name = await Server.CreateNamespaceAsync("runs");
        await Client.CoreV1.CreateNamespacedServiceAccountAsync(new V1ServiceAccount { Metadata = new V1ObjectMeta { Name = "default" } }, name);
        return name;
    }

    internal async Task<T> GetAsync<T>(string @namespace, string name)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        using var connection = new KubernetesConnection(Client);
        return await new ResourceClient<T>(connection).GetAsync(@namespace, name, default) ?? throw new InvalidOperationException($"no {typeof(T).Name} {name}");
    }

    public Task<V1PodList> PodsAsync(string @namespace) => Client.CoreV1.ListNamespacedPodAsync(@namespace);

    /// <summary>Waits until a check gives something, up to a minute.</summary>
    public static async Task<T> EventuallyAsync<T>(Func<Task<T?>> check, [CallerArgumentExpression(nameof(check))] string what = "")
        where T : class
    {
        for (var i = 0; i < 600; i++)
        {
            if (await check() is { } found)
            {
                return found;
            }

            await Task.Delay(100);
        }

        throw new TimeoutException($"never: {what}");
    }

    internal Task<T> RunAsync<T>(string @namespace, string name, Func<T, bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "")
        where T : RunEntity => EventuallyAsync(async () => await GetAsync<T>(@namespace, name) is var run && condition(run) ? run : null, what);

    public Task<V1Pod> PodAsync(string @namespace, string name) =>
        EventuallyAsync(async () => (await PodsAsync(@namespace)).Items.FirstOrDefault(pod => pod.Metadata.Name == name), $"pod {name}");

    /// <summary>A kubelet's part: the pod runs.</summary>
    public Task SetRunningAsync(V1Pod pod) => PatchStatusAsync(pod, new V1PodStatus { Phase = "Running" });

    /// <summary>A kubelet's part: the pod ends.</summary>
    public Task SetEndedAsync(V1Pod pod, int exitCode, StageOutcome? outcome = null) => PatchStatusAsync(pod, new V1PodStatus
    {
        Phase = exitCode == 0 ? "Succeeded" : "Failed",
        ContainerStatuses =
        [
            new V1ContainerStatus
            {
                Name = "trainer",
                Image = "trainer:1",
                ImageID = "",
                State = new V1ContainerState
                {
                    Terminated = new V1ContainerStateTerminated
                    {
                        ExitCode = exitCode,
                        FinishedAt = DateTime.UtcNow,
                        Message = outcome is null ? null : PlanJson.WriteOutcome(outcome, TrainerContract.TerminationMessageBytes),
                    },
                },
            },
        ],
    });

    private async Task PatchStatusAsync(V1Pod pod, V1PodStatus status)
    {
        var body = KubernetesJson.Serialize(new V1Pod { Status = status });
        await Client.CoreV1.PatchNamespacedPodStatusAsync(
            new V1Patch(body, V1Patch.PatchType.MergePatch), pod.Metadata.Name, pod.Metadata.NamespaceProperty);
    }

    private static string Repository([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));
}

/// <summary>An operator in this process.</summary>
internal sealed class RunningOperator : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Kubernetes _client;
    private readonly KubernetesConnection _connection;
    private readonly Task _running;

    public RunningOperator(ControlPlane plane, string @namespace, int port, TokenVerification verification, DelegatingHandler? handler)
    {
        Address = $"http://127.0.0.1:{port}";
        _client = new Kubernetes(plane.Server.Configuration(), handler is null ? [] : [handler]);
        _connection = new KubernetesConnection(_client);
        var settings = new OperatorSettings
        {
            Namespace = @namespace,
            Storage = new StorageSettings { Address = plane.Store },
            Trainer = new TrainerSettings { Image = "trainer:1" },
            ReportAddress = Address,
            TokenVerification = verification,
            LeaderElection = new LeaderElectionSettings { Enabled = false },
            HttpPort = port,
            StatusIntervalSeconds = 1,
        };
        _running = OperatorHost.RunAsync(settings, @namespace, _connection, TimeProvider.System, NullLoggerFactory.Instance, _stop.Token);
    }

    public string Address { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _connection.Dispose();
        _client.Dispose();
        _stop.Dispose();
    }
}

[CollectionDefinition(Name)]
public sealed class ControlPlaneTests : ICollectionFixture<ControlPlane>
{
    public const string Name = "control plane";
}
