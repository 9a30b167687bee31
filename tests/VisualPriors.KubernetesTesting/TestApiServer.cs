using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;

namespace VisualPriors.KubernetesTesting;

/// <summary>
/// A real etcd and kube-apiserver on loopback ports, in a temporary folder; no kubelet, no controllers. One for a test assembly; tests take
/// namespaces of their own.
/// </summary>
public sealed class TestApiServer : IAsyncDisposable
{
    private const int StartTries = 3;

    private readonly TestApiServerOptions _options;
    private readonly string _folder;
    private readonly string _token = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
    private readonly HttpClient _plain = new();
    private readonly int _etcdPort = Ports.Free();
    private ChildProcess? _etcd;
    private ChildProcess? _apiServer;

    private TestApiServer(TestApiServerOptions options)
    {
        _options = options;
        _folder = Directory.CreateTempSubdirectory("visualpriors-apiserver-").FullName;
    }

    /// <summary>HTTPS port of the API server.</summary>
    public int Port { get; } = Ports.Free();

    /// <summary>The administrator's kubeconfig file.</summary>
    public string KubeConfigPath => Path.Combine(_folder, "kubeconfig");

    /// <summary>The administrator's client.</summary>
    public Kubernetes Client { get; private set; } = null!;

    /// <summary>Process id of the API server.</summary>
    public int ProcessId => _apiServer!.Id;

    /// <summary>Process id of etcd.</summary>
    public int EtcdProcessId => _etcd!.Id;

    /// <summary>The API server's last lines.</summary>
    public string Output => _apiServer!.Output;

    private static string Loopback(int port) => $"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Starts both servers and waits until they are ready.</summary>
    public static async Task<TestApiServer> StartAsync(TestApiServerOptions? options = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            var server = new TestApiServer(options ?? new TestApiServerOptions());
            try
            {
                await server.StartAllAsync().ConfigureAwait(false);
                return server;
            }
            catch (InvalidOperationException) when (attempt < StartTries)
            {
                // Another process took a port between our look and the server's.
                await server.DisposeAsync().ConfigureAwait(false);
            }
            catch
            {
                await server.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>A client's configuration, to change before use.</summary>
    /// <param name="port">Port to go through, such as a <see cref="FaultProxy"/>'s; null: the server's own.</param>
    /// <param name="token">Bearer token; null: the administrator's.</param>
    public KubernetesClientConfiguration Configuration(int? port = null, string? token = null)
    {
        var configuration = KubernetesClientConfiguration.BuildConfigFromConfigFile(KubeConfigPath);
        configuration.Host = $"https://127.0.0.1:{port ?? Port}";
        configuration.AccessToken = token ?? _token;
        return configuration;
    }

    /// <summary>Creates a namespace with a name of its own.</summary>
    public async Task<string> CreateNamespaceAsync(string prefix = "test")
    {
        var created = await Client.CoreV1.CreateNamespaceAsync(
            new V1Namespace { Metadata = new V1ObjectMeta { GenerateName = $"{prefix}-" } }).ConfigureAwait(false);
        return created.Metadata.Name;
    }

    /// <summary>Applies documents of YAML, of any kind the server knows, as <c>kubectl apply --server-side</c> does.</summary>
    /// <param name="yaml">Documents, separated by <c>---</c>.</param>
    /// <param name="namespace">Namespace of those that name none.</param>
    public async Task ApplyYamlAsync(string yaml, string @namespace = "default")
    {
        foreach (var document in yaml.ReplaceLineEndings("\n").Split("\n---").Where(text => text.Trim(' ', '\n', '-').Length > 0))
        {
            var entity = KubernetesYaml.Deserialize<Document>(document.TrimStart('-'), strict: false);
            var (path, crd) = await PathOfAsync(entity, @namespace).ConfigureAwait(false);
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(document.TrimStart('-')));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/apply-patch+yaml");
            (await SendAsync(HttpMethod.Patch, $"{path}?fieldManager=test&force=true", content).ConfigureAwait(false)).Dispose();
            if (crd)
            {
                await WaitForAsync(
                    async () => (await GetAsync(path).ConfigureAwait(false))["status"]?["conditions"]?.AsArray().Any(
                        condition => (string?)condition!["type"] == "Established" && (string?)condition["status"] == "True") == true,
                    $"{entity.Metadata.Name} to be established").ConfigureAwait(false);
            }
        }
    }

    /// <summary>Sends a request as the administrator, below the server's address.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(Client.BaseUri, path)) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        var response = await Client.HttpClient.SendAsync(request).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            var body = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
            response.Dispose();
            throw new HttpRequestException($"{method} {path}: {(int)response.StatusCode} {body}", null, response.StatusCode);
        }
        return response;
    }

    /// <summary>Compacts etcd up to now: older versions can no longer be listed page by page.</summary>
    public async Task CompactAsync()
    {
        var range = await EtcdAsync("kv/range", new JsonObject { ["key"] = Convert.ToBase64String("compact"u8) }).ConfigureAwait(false);
        await EtcdAsync("kv/compaction", new JsonObject { ["revision"] = (string)range["header"]!["revision"]!, ["physical"] = true }).ConfigureAwait(false);
    }

    /// <summary>kill -9 for the API server.</summary>
    public void KillApiServer() => _apiServer!.Dispose();

    /// <summary>Starts it again on the same port, with its watch cache empty.</summary>
    public async Task StartApiServerAsync()
    {
        _apiServer = new ChildProcess(KubernetesBinaries.ApiServer, [.. ApiServerArguments(), .. _options.Arguments]);
        await WaitForAsync(IsReadyAsync, "the API server to be ready", _apiServer).ConfigureAwait(false);
    }

    /// <summary>SIGSTOP: the server neither answers nor closes its connections.</summary>
    public void Freeze() => _apiServer!.Freeze();

    /// <summary>SIGCONT.</summary>
    public void Thaw() => _apiServer!.Thaw();

    /// <summary>Ends both and removes their folder.</summary>
    public ValueTask DisposeAsync()
    {
        Client?.Dispose();
        _apiServer?.Dispose();
        _etcd?.Dispose();
        _plain.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task StartAllAsync()
    {
        WriteCredentials();
        _etcd = new ChildProcess(KubernetesBinaries.Etcd, EtcdArguments());
        await WaitForAsync(
            async () => (await _plain.GetStringAsync($"{Loopback(_etcdPort)}/health").ConfigureAwait(false)).Contains("true", StringComparison.Ordinal),
            "etcd to be ready",
            _etcd).ConfigureAwait(false);
        await StartApiServerAsync().ConfigureAwait(false);
    }

    private string[] EtcdArguments() =>
    [
        "--data-dir", Path.Combine(_folder, "etcd"),
        "--listen-client-urls", Loopback(_etcdPort),
        "--advertise-client-urls", Loopback(_etcdPort),
        "--listen-peer-urls", "http://127.0.0.1:0",
        "--logger", "zap",
        "--log-level", "error",
    ];

    private string[] ApiServerArguments() =>
    [
        $"--etcd-servers={Loopback(_etcdPort)}",
        $"--secure-port={Port.ToString(CultureInfo.InvariantCulture)}",
        "--bind-address=127.0.0.1",
        $"--cert-dir={Path.Combine(_folder, "certificates")}",
        $"--service-account-key-file={Path.Combine(_folder, "service-account.pem")}",
        $"--service-account-signing-key-file={Path.Combine(_folder, "service-account.pem")}",
        "--service-account-issuer=https://kubernetes.default.svc",
        $"--token-auth-file={Path.Combine(_folder, "tokens.csv")}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--allow-privileged=true",
        // Nobody makes the service accounts and their tokens that it would wait for.
        "--disable-admission-plugins=ServiceAccount",
        // Tests compact when they want to.
        "--etcd-compaction-interval=0",
    ];

    private void WriteCredentials()
    {
        using var key = RSA.Create(2048);
        File.WriteAllText(Path.Combine(_folder, "service-account.pem"), key.ExportRSAPrivateKeyPem());
        File.WriteAllText(Path.Combine(_folder, "tokens.csv"), $"{_token},admin,admin,\"system:masters\"\n");
        File.WriteAllText(KubeConfigPath, $"""
            apiVersion: v1
            kind: Config
            current-context: test
            contexts:
              - name: test
                context: {"{"}cluster: test, user: admin{"}"}
            clusters:
              - name: test
                cluster:
                  server: https://127.0.0.1:{Port}
                  certificate-authority: {Path.Combine(_folder, "certificates", "apiserver.crt")}
            users:
              - name: admin
                user: {"{"}token: {_token}{"}"}
            """);
    }

    private async Task<bool> IsReadyAsync()
    {
        if (!File.Exists(Path.Combine(_folder, "certificates", "apiserver.crt")))
        {
            return false;
        }
        Client ??= new Kubernetes(Configuration());
        using var response = await SendAsync(HttpMethod.Get, "readyz").ConfigureAwait(false);
        return true;
    }

    private async Task<JsonNode> EtcdAsync(string call, JsonObject body)
    {
        using var content = new StringContent(body.ToJsonString());
        using var response = await _plain.PostAsync($"{Loopback(_etcdPort)}/v3/{call}", content).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        return JsonNode.Parse(await response.Content.ReadAsStreamAsync().ConfigureAwait(false))!;
    }

    private async Task<JsonNode> GetAsync(string path)
    {
        using var response = await SendAsync(HttpMethod.Get, path).ConfigureAwait(false);
        return JsonNode.Parse(await response.Content.ReadAsStreamAsync().ConfigureAwait(false))!;
    }

    private async Task<(string Path, bool IsDefinition)> PathOfAsync(Document document, string @namespace)
    {
        var root = document.ApiVersion.Contains('/', StringComparison.Ordinal) ? $"apis/{document.ApiVersion}" : $"api/{document.ApiVersion}";
        var resources = (await GetAsync(root).ConfigureAwait(false))["resources"]!.AsArray();
        var resource = resources.FirstOrDefault(
            item => (string?)item!["kind"] == document.Kind && !((string)item["name"]!).Contains('/', StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"the server knows no {document.Kind} in {document.ApiVersion}");
        var scope = (bool)resource["namespaced"]! ? $"/namespaces/{document.Metadata.NamespaceProperty ?? @namespace}" : "";
        return ($"{root}{scope}/{(string)resource["name"]!}/{document.Metadata.Name}", document.Kind == "CustomResourceDefinition");
    }

    private async Task WaitForAsync(Func<Task<bool>> condition, string what, ChildProcess? process = null)
    {
        using var timeout = new CancellationTokenSource(_options.StartTimeout);
        Exception? last = null;
        while (!timeout.IsCancellationRequested)
        {
            if (process?.HasExited == true)
            {
                throw new InvalidOperationException($"waited for {what}, but it ended:{Environment.NewLine}{process.Output}");
            }
            try
            {
                if (await condition().ConfigureAwait(false))
                {
                    return;
                }
            }
            catch (Exception error) when (error is HttpRequestException or IOException or JsonException)
            {
                last = error;
            }
            await Task.Delay(50).ConfigureAwait(false);
        }
        throw new TimeoutException($"waited {_options.StartTimeout} for {what}: {last?.Message}{Environment.NewLine}{process?.Output}");
    }

    private sealed class Document : IKubernetesObject<V1ObjectMeta>
    {
        public string ApiVersion { get; set; } = "";

        public string Kind { get; set; } = "";

        public V1ObjectMeta Metadata { get; set; } = new();
    }
}
