using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using VisualPriors.ChartTesting;
using VisualPriors.Cli.Preparation;

namespace VisualPriors.Cluster.Tests.Infrastructure;

/// <summary>
/// A real cluster with the chart installed and small real data published: the one that KUBECONFIG names. test.sh brings one up, builds the images
/// and says how they are called.
/// </summary>
public sealed class Cluster : IAsyncLifetime
{
    public const string OperatorNamespace = "visualpriors-system";
    public const string Release = "visualpriors";
    private const string StorageSecret = "visualpriors-storage";
    private const string Account = "devstoreaccount1";

    /// <summary>The key that Azurite's documentation publishes: no secret.</summary>
    private const string AccountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly PreparationSize Small = new()
    {
        VocabularySize = 512,
        Captions = 64,
        Instructions = 64,
        Questions = [3, 3, 3],
        EncoderSteps = 3,
        EncoderBatchSize = 8,
    };

    private readonly Helm _helm = new(Required("KUBECONFIG"));

    /// <summary>Folder for data and local runs.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("vp-cluster-").FullName;

    public string Data => Path.Combine(Folder, "data");

    /// <summary>Address of the object store, a new container for every run of the tests.</summary>
    public string Store { get; } = $"azblob://{Account}/tests-{Guid.NewGuid():N}";

    public string ConnectionString { get; } =
        Environment.GetEnvironmentVariable("VP_STORAGE_CONNECTION_STRING") is { Length: > 0 } given
            ? given
            : $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={AccountKey};BlobEndpoint=http://{ServerHost()}:10000/{Account};";

    public async Task InitializeAsync()
    {
        Environment.SetEnvironmentVariable("AZURE_STORAGE_CONNECTION_STRING", ConnectionString);
        await DataPreparation.PrepareAsync(new PreparationOptions(Data, Required("VP_PACKAGES"), Seed: 7), Small, new Progress<PreparationProgress>(), default);
        await VpAsync("publish", "--data", Data, "--to", Store);
        await InstallAsync();
    }

    public async Task DisposeAsync()
    {
        await _helm.TryAsync("uninstall", Release, "--namespace", OperatorNamespace, "--wait");
        await TryKubectlAsync("delete", "namespace", OperatorNamespace, "--wait=false");
        _helm.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Installs the chart, or brings the release to other values.</summary>
    public async Task InstallAsync(params string[] values)
    {
        await TryKubectlAsync("create", "namespace", OperatorNamespace);
        await CreateStorageSecretAsync(OperatorNamespace);
        var (repository, tag) = Image("VP_OPERATOR_IMAGE");
        var (trainer, trainerTag) = Image("VP_TRAINER_IMAGE");
        string[] all =
        [
            $"image.repository={repository}", $"image.tag={tag}", $"trainer.image.repository={trainer}", $"trainer.image.tag={trainerTag}",
            $"storage.address={Store}", $"storage.secretName={StorageSecret}", "trainer.gracePeriodSeconds=20",
            "leaderElection.leaseSeconds=6", "leaderElection.renewSeconds=4", "leaderElection.retrySeconds=1", "statusIntervalSeconds=1", .. values,
        ];
        await _helm.RunAsync(
        [
            "upgrade", Release, Repository.Chart, "--install", "--namespace", OperatorNamespace, "--wait", "--timeout", "110s",
            .. all.SelectMany(value => new[] { "--set", value }),
        ]);
    }

    public Task UninstallAsync() => _helm.RunAsync("uninstall", Release, "--namespace", OperatorNamespace, "--wait");

    public Task<string> HelmTestAsync() => _helm.RunAsync("test", Release, "--namespace", OperatorNamespace, "--timeout", "100s");

    /// <summary>A namespace for runs, with the secret that their pods reach the store by.</summary>
    public async Task<string> NamespaceAsync([CallerMemberName] string test = "")
    {
        var name = $"{test.ToLowerInvariant().Replace('_', '-')[..Math.Min(40, test.Length)].Trim('-')}-{Guid.NewGuid():N}"[..48].Trim('-');
        await KubectlAsync("create", "namespace", name);
        await CreateStorageSecretAsync(name);
        return name;
    }

    /// <summary>Deletes a test's namespace, for the next test to have the machine to itself.</summary>
    public Task DeleteNamespaceAsync(string @namespace) => KubectlAsync("delete", "namespace", @namespace, "--timeout=100s");

    public Task<string> KubectlAsync(params string[] arguments) => Command.RunAsync(KubernetesTools.Kubectl, arguments);

    public Task<CommandResult> TryKubectlAsync(params string[] arguments) => Command.TryAsync(KubernetesTools.Kubectl, arguments);

    public Task<CommandResult> TryApplyAsync(string @namespace, string yaml) =>
        Command.TryAsync(KubernetesTools.Kubectl, ["apply", "--namespace", @namespace, "--filename", "-"], input: yaml);

    public Task<string> ApplyAsync(string @namespace, string yaml) =>
        Command.RunAsync(KubernetesTools.Kubectl, ["apply", "--namespace", @namespace, "--filename", "-"], input: yaml);

    /// <summary>One of deploy/examples, with a seed of the test's own: what another test has computed would not be computed again.</summary>
    public static string Example(string name, int seed)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "examples", $"{name}.yaml"));
        return text.Replace("seed: 42", $"seed: {seed}", StringComparison.Ordinal);
    }

    public async Task<JsonNode> GetAsync(string @namespace, string kind, string name) =>
        JsonNode.Parse(await KubectlAsync("get", kind, name, "--namespace", @namespace, "--output", "json"))!;

    public async Task<JsonArray> ListAsync(string @namespace, string kinds) =>
        JsonNode.Parse(await KubectlAsync("get", kinds, "--namespace", @namespace, "--output", "json"))!["items"]!.AsArray();

    /// <summary>Waits until a run or pipeline has one of the phases; fails at once where it has failed instead.</summary>
    public async Task<JsonNode> WaitForPhaseAsync(string @namespace, string kind, string name, string phase, int seconds = 300)
    {
        JsonNode? last = null;
        for (var until = Stopwatch.GetTimestamp() + seconds * Stopwatch.Frequency; Stopwatch.GetTimestamp() < until;)
        {
            if ((await TryKubectlAsync("get", kind, name, "--namespace", @namespace, "--output", "json")) is { ExitCode: 0, Output: var json })
            {
                last = JsonNode.Parse(json);
                var now = (string?)last!["status"]?["phase"];
                if (now == phase)
                {
                    return last;
                }

                if (now is "Failed" or "Succeeded")
                {
                    break;
                }
            }

            await Task.Delay(500);
        }

        var events = (await TryKubectlAsync("get", "events,pods", "--namespace", @namespace)).Output;
        var logs = (await TryKubectlAsync("logs", "--namespace", OperatorNamespace, "deployment/visualpriors-operator", "--tail=30")).Output;
        throw new InvalidOperationException($"{kind} {name} is not {phase}:\n{last?["status"]}\n{events}\n{logs}");
    }

    /// <summary>Waits until a check holds.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> check, int seconds = 60, [CallerArgumentExpression(nameof(check))] string what = "")
    {
        for (var until = Stopwatch.GetTimestamp() + seconds * Stopwatch.Frequency; Stopwatch.GetTimestamp() < until;)
        {
            if (await check())
            {
                return;
            }

            await Task.Delay(300);
        }

        throw new TimeoutException($"never: {what}");
    }

    /// <summary>Runs `vp` as people do.</summary>
    public static Task<string> VpAsync(params string[] arguments) =>
        Command.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "vp.dll"), .. arguments]);

    private async Task CreateStorageSecretAsync(string @namespace) =>
        await TryKubectlAsync("create", "secret", "generic", StorageSecret, "--namespace", @namespace, $"--from-literal=connectionString={ConnectionString}");

    private static (string Repository, string Tag) Image(string variable)
    {
        var image = Required(variable);
        var colon = image.LastIndexOf(':');
        return (image[..colon], image[(colon + 1)..]);
    }

    private static string Required(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value
        ? value
        : throw new InvalidOperationException($"{variable} is not set: test.sh sets it after bringing up a cluster; docs/test-cluster.md tells how to do so by hand");

    /// <summary>Host of the API server: the test cluster's store is on the same.</summary>
    private static string ServerHost()
    {
        var line = File.ReadLines(Required("KUBECONFIG")).First(line => line.Contains("server:", StringComparison.Ordinal));
        return new Uri(line.Split("server:", 2)[1].Trim()).Host;
    }
}

[CollectionDefinition(Name)]
public sealed class ClusterTests : ICollectionFixture<Cluster>
{
    public const string Name = "cluster";
}
