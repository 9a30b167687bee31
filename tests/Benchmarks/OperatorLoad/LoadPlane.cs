using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using k8s;
using k8s.Models;
using VisualPriors.Api.Plans;
using VisualPriors.ControllerRuntime;
using VisualPriors.KubernetesTesting;
using VisualPriors.Operator.Settings;
using VisualPriors.Storage;

namespace VisualPriors.Benchmarks.OperatorLoad;

/// <summary>A real API server with the CRDs, a corpus in a folder, and who asks for runs. No scheduler and no kubelet: pods are made and stay pending.</summary>
internal sealed class LoadPlane : IAsyncDisposable
{
    /// <summary>Requests under way: as many as an operator has at most, four workers that each make eight pods at once.</summary>
    public const int InFlight = 32;

    private readonly string _folder;
    private readonly TaskCompletionSource _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LoadPlane(TestApiServer server, string folder)
    {
        Server = server;
        _folder = folder;
        Connection = KubernetesConnection.Create(server.Configuration());
    }

    public TestApiServer Server { get; }

    /// <summary>What the operator and the plain loop both use.</summary>
    public KubernetesConnection Connection { get; }

    /// <summary>Fails when what is measured can no longer be.</summary>
    public Task Broken => _broken.Task;

    /// <summary>Address of the object store: a folder.</summary>
    public string Store => $"file://{_folder}/store";

    public static async Task<LoadPlane> StartAsync()
    {
        var plane = new LoadPlane(await TestApiServer.StartAsync().ConfigureAwait(false), Directory.CreateTempSubdirectory("vp-operator-load-").FullName);
        try
        {
            foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "crds"), "*.yaml"))
            {
                await plane.DefineAsync(await File.ReadAllTextAsync(file).ConfigureAwait(false)).ConfigureAwait(false);
            }

            using var writer = new ArtifactWriter(Path.Combine(plane._folder, "corpus"));
            await File.WriteAllTextAsync(writer.PathOf("content.txt"), "corpus").ConfigureAwait(false);
            await ArtifactStore.PublishAsync(writer.Commit(ArtifactKind.TextCorpus), $"{StagePlaces.DataOf(plane.Store)}/corpus", default).ConfigureAwait(false);
            return plane;
        }
        catch
        {
            await plane.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Connection.Dispose();
        await Server.DisposeAsync().ConfigureAwait(false);
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Ends the benchmark, whatever it waits for.</summary>
    public void Break(Exception cause) => _broken.TrySetException(cause);

    /// <summary>A namespace with the service account that a controller manager would have made.</summary>
    public async Task<string> NamespaceAsync()
    {
        var name = await Server.CreateNamespaceAsync("load").ConfigureAwait(false);
        await Server.Client.CoreV1.CreateNamespacedServiceAccountAsync(
            new V1ServiceAccount { Metadata = new V1ObjectMeta { Name = "default" } }, name).ConfigureAwait(false);
        return name;
    }

    /// <summary>An operator's settings for one namespace, the chart's defaults otherwise.</summary>
    public OperatorSettings Settings(string @namespace)
    {
        var port = Ports.Free();
        return new OperatorSettings
        {
            Namespace = @namespace,
            Storage = new StorageSettings { Address = Store },
            Trainer = new TrainerSettings { Image = "trainer:1" },
            ReportAddress = $"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}",
            LeaderElection = new LeaderElectionSettings { Enabled = false },
            HttpPort = port,
        };
    }

    /// <summary>Creates runs NAME-0, NAME-1, ... in parallel. Each has a seed of its own: those that compute the same would wait for each other.</summary>
    public Task CreateRunsAsync(string @namespace, string name, int count, int nodes, bool isSuspended) => Parallel.ForEachAsync(
        Enumerable.Range(0, count),
        new ParallelOptions { MaxDegreeOfParallelism = InFlight },
        async (index, _) =>
        {
            using var body = Json("application/json", $$$"""
                {
                  "apiVersion": "visualpriors.dev/v1alpha1", "kind": "PretrainRun", "metadata": {"name": "{{{name}}}-{{{index}}}" },
                  "spec": {
                    "model": {"preset": "nano"}, "data": {"corpus": "corpus", "mixture": {"code": 1, "math": 3}},
                    "training": {"tokens": 64, "sequenceLength": 8, "globalBatchSize": {{{nodes}}} },
                    "compute": {"nodes": {{{nodes}}} }, "seed": {{{index}}}, "suspend": {{{(isSuspended ? "true" : "false")}}}
                  }
                }
                """);
            (await Server.SendAsync(HttpMethod.Post, RunsPath(@namespace), body).ConfigureAwait(false)).Dispose();
        });

    /// <summary>What the operator told last.</summary>
    public async Task<string> LastEventAsync(string @namespace) =>
        (await Server.Client.CoreV1.ListNamespacedEventAsync(@namespace).ConfigureAwait(false)).Items.MaxBy(told => told.LastTimestamp) is { } last
            ? $"{last.InvolvedObject.Name}: {last.Reason}: {last.Message}"
            : "nothing";

    /// <summary>Labels a run: an event that asks for nothing.</summary>
    public async Task LabelRunAsync(string @namespace, string name, int value)
    {
        using var body = Json("application/merge-patch+json", $$"""{"metadata": {"labels": {"load": "{{value}}" } } }""");
        (await Server.SendAsync(HttpMethod.Patch, $"{RunsPath(@namespace)}/{name}", body).ConfigureAwait(false)).Dispose();
    }

    private static string RunsPath(string @namespace) => $"apis/visualpriors.dev/v1alpha1/namespaces/{@namespace}/pretrainruns";

    private static ByteArrayContent Json(string mediaType, string text)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return content;
    }

    private async Task DefineAsync(string yaml)
    {
        // Created, not applied: a server without CEL takes what it does not know for an error in an apply, and drops it in a create.
        var crd = KubernetesYaml.Deserialize<V1CustomResourceDefinition>(yaml, strict: false);
        await Server.Client.ApiextensionsV1.CreateCustomResourceDefinitionAsync(crd).ConfigureAwait(false);
        while ((await Server.Client.ApiextensionsV1.ReadCustomResourceDefinitionAsync(crd.Metadata.Name).ConfigureAwait(false)).Status?.Conditions?
            .Any(condition => condition is { Type: "Established", Status: "True" }) != true)
        {
            await Task.Delay(50).ConfigureAwait(false);
        }
    }
}
