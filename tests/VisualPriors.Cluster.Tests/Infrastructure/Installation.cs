using System.Runtime.CompilerServices;
using VisualPriors.ChartTesting;
using VisualPriors.Cli.Preparation;

namespace VisualPriors.Cluster.Tests.Infrastructure;

/// <summary>
/// A real cluster with the chart installed and small real data published: the one that KUBECONFIG names. test.sh brings one up, builds the images
/// and says how they are called.
/// </summary>
public sealed class Installation : IAsyncLifetime, IDisposable
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
        Questions = [150, 150, 150],
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
        await Kubectl.TryAsync("delete", "namespace", OperatorNamespace, "--wait=false");
    }

    public void Dispose()
    {
        _helm.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Installs the chart, or brings the release to other values.</summary>
    public async Task InstallAsync(params string[] values)
    {
        await Kubectl.TryAsync("create", "namespace", OperatorNamespace);
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
        var name = $"{test.ToLowerInvariant().Replace('_', '-')[..Math.Min(40, test.Length)].Trim('-')}-{Guid.NewGuid().ToString("N")[..8]}";
        await Kubectl.RunAsync("create", "namespace", name);
        await CreateStorageSecretAsync(name);
        return name;
    }

    /// <summary>One of deploy/examples, with a seed of the test's own: what another test has computed would not be computed again.</summary>
    public static string Example(string name, int seed)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "examples", $"{name}.yaml"));
        return text.Replace("seed: 42", $"seed: {seed}", StringComparison.Ordinal);
    }

    /// <summary>URL of the API server.</summary>
    public static string Server()
    {
        var line = File.ReadLines(Required("KUBECONFIG")).First(line => line.Contains("server:", StringComparison.Ordinal));
        return line.Split("server:", 2)[1].Trim().Trim('"');
    }

    /// <summary>Runs `vp` as people do.</summary>
    public static Task<string> VpAsync(params string[] arguments) =>
        Command.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "vp.dll"), .. arguments]);

    private async Task CreateStorageSecretAsync(string @namespace) =>
        await Kubectl.TryAsync("create", "secret", "generic", StorageSecret, "--namespace", @namespace, $"--from-literal=connectionString={ConnectionString}");

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
    private static string ServerHost() => new Uri(Server()).Host;
}

[CollectionDefinition(Name)]
public sealed class ClusterTests : ICollectionFixture<Installation>
{
    public const string Name = "cluster";
}
