using System.Text.Json;
using System.Text.Json.Serialization;
using VisualPriors.Api.Errors;
using VisualPriors.Operator.Progress.Authentication;

namespace VisualPriors.Operator.Settings;

/// <summary>What the operator was told at installation: one JSON file, written by the chart.</summary>
/// <remarks>Members with defaults have setters: generated deserialisers give a missing init-only member no default.</remarks>
internal sealed record OperatorSettings
{
    /// <summary>Namespace to work in; empty for all.</summary>
    public string Namespace { get; set; } = "";

    /// <summary>Where data, artifacts and checkpoints lie.</summary>
    public required StorageSettings Storage { get; init; }

    /// <summary>What trainer pods are made of.</summary>
    public required TrainerSettings Trainer { get; init; }

    /// <summary>URL that pods reach the operator's HTTP port at; empty: pods do not report progress.</summary>
    public string ReportAddress { get; set; } = "";

    /// <summary>How tokens of progress reports are checked.</summary>
    public TokenVerification TokenVerification { get; set; } = TokenVerification.TokenReview;

    /// <summary>How replicas agree on who acts.</summary>
    public LeaderElectionSettings LeaderElection { get; set; } = new();

    /// <summary>Runs of one kind that are worked on at once.</summary>
    public int Workers { get; set; } = 4;

    /// <summary>Least seconds between two writes of one run's progress.</summary>
    public int StatusIntervalSeconds { get; set; } = 3;

    /// <summary>TCP port of health, metrics and progress.</summary>
    public int HttpPort { get; set; } = 8080;

    /// <summary>What is logged, and how.</summary>
    public LogSettings Log { get; set; } = new();

    /// <summary>Reads a settings file.</summary>
    /// <exception cref="InvalidInputException">It is missing, malformed, or a value makes no sense.</exception>
    public static OperatorSettings Read(string path)
    {
        OperatorSettings settings;
        try
        {
            settings = JsonSerializer.Deserialize(File.ReadAllBytes(path), SettingsJson.Default.OperatorSettings)
                ?? throw new InvalidInputException(path, null, "null", "the operator's settings");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, e.Message, "the operator's settings");
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, e.Path, e.Message, "the operator's settings", (int?)(e.LineNumber + 1));
        }

        var errors = settings.Check(path).ToList();
        return errors.Count == 0 ? settings : throw new InvalidInputException(errors);
    }

    private IEnumerable<InputError> Check(string path)
    {
        if (Storage.Address.Length == 0)
        {
            yield return new InputError(path, "storage.address", "nothing", "azblob://account/container/prefix or file:///folder");
        }

        if (Trainer.Image.Length == 0)
        {
            yield return new InputError(path, "trainer.image", "nothing", "the trainer's image");
        }

        if (ReportAddress.Length > 0 && !Uri.TryCreate(ReportAddress, UriKind.Absolute, out _))
        {
            yield return new InputError(path, "reportAddress", ReportAddress, "an absolute URL");
        }

        foreach (var (field, value, minimum) in new[]
        {
            ("workers", Workers, 1), ("statusIntervalSeconds", StatusIntervalSeconds, 1), ("trainer.gracePeriodSeconds", Trainer.GracePeriodSeconds, 10),
        })
        {
            if (value < minimum)
            {
                yield return new InputError(path, field, $"{value}", $"at least {minimum}");
            }
        }
    }
}

/// <summary>Where data, artifacts and checkpoints lie.</summary>
internal sealed record StorageSettings
{
    /// <summary>Address of the object store; data sets are below <c>data/</c>, artifacts below <c>stages/</c>, checkpoints below <c>checkpoints/</c>.</summary>
    public required string Address { get; init; }

    /// <summary>Secret, in each run's namespace, with a connection string for trainer pods; empty: pods use workload identity.</summary>
    public string SecretName { get; set; } = "";

    /// <summary>Key of that secret.</summary>
    public string SecretKey { get; set; } = "connectionString";
}

/// <summary>What trainer pods are made of.</summary>
internal sealed record TrainerSettings
{
    /// <summary>Image, unless a run names its own.</summary>
    public required string Image { get; init; }

    /// <summary>When nodes pull it.</summary>
    public string ImagePullPolicy { get; set; } = "IfNotPresent";

    /// <summary>Secrets for pulling it, by name.</summary>
    public IReadOnlyList<string> ImagePullSecrets { get; set; } = [];

    /// <summary>Seconds that a pod has to save and end when it is deleted.</summary>
    public int GracePeriodSeconds { get; set; } = 120;

    /// <summary>Runtime class of the pods; null for the cluster's own.</summary>
    public string? RuntimeClassName { get; set; }
}

/// <summary>How replicas agree on who acts.</summary>
internal sealed record LeaderElectionSettings
{
    /// <summary>Whether there may be other replicas.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Name of the Lease, in the operator's own namespace.</summary>
    public string LeaseName { get; set; } = "visualpriors-operator";

    /// <summary>Seconds that others wait after the last renewal.</summary>
    public int LeaseSeconds { get; set; } = 15;

    /// <summary>Seconds that the leader goes on without a renewal.</summary>
    public int RenewSeconds { get; set; } = 10;

    /// <summary>Seconds between renewals.</summary>
    public int RetrySeconds { get; set; } = 2;
}

/// <summary>What is logged, and how.</summary>
internal sealed record LogSettings
{
    /// <summary>Least level: Verbose, Debug, Information, Warning, Error or Fatal.</summary>
    public string Level { get; set; } = "Information";

    /// <summary><c>json</c> or <c>text</c>.</summary>
    public string Format { get; set; } = "json";
}

/// <summary>The file's shape.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(OperatorSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
