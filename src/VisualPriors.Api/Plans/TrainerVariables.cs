namespace VisualPriors.Api.Plans;

/// <summary>Environment variables by which an operator tells a trainer's launcher what its plan does not say: which node of which attempt it is.</summary>
public static class TrainerVariables
{
    /// <summary>Place of the node among all nodes, from 0.</summary>
    public const string NodeRank = "NODE_RANK";

    /// <summary>Host that rank 0 runs on.</summary>
    public const string MasterAddress = "MASTER_ADDR";

    /// <summary>TCP port of rank 0's rendezvous.</summary>
    public const string MasterPort = "MASTER_PORT";

    /// <summary>Number of the attempt at the stage, from 1; absent where nobody counts attempts.</summary>
    public const string Attempt = "VISUALPRIORS_ATTEMPT";

    /// <summary>
    /// Number that fences checkpoints: later attempts at the same stage have greater ones, whichever run they belong to. Absent,
    /// <see cref="Attempt"/> fences.
    /// </summary>
    public const string Fence = "VISUALPRIORS_FENCE";

    /// <summary>Secret that all processes of one attempt share, and nobody else.</summary>
    public const string RendezvousToken = "VISUALPRIORS_RENDEZVOUS_TOKEN";

    /// <summary>Seconds that a trainer which was asked to stop may take before it is killed.</summary>
    public const string GraceSeconds = "VISUALPRIORS_GRACE_SECONDS";

    /// <summary>Who this is, for logs and metrics: <c>namespace/Kind/name</c>.</summary>
    public const string Run = "VISUALPRIORS_RUN";

    /// <summary>Folder for local copies of what lies in an object store, and for the artifact until it is published.</summary>
    public const string Scratch = "VISUALPRIORS_SCRATCH";

    /// <summary>URL that the first node's launcher posts a <see cref="ProgressReport"/> to; absent where nobody listens.</summary>
    public const string ReportAddress = "VISUALPRIORS_REPORT_ADDRESS";

    /// <summary>File with the bearer token for <see cref="ReportAddress"/>; read anew for every report, for it is rotated.</summary>
    public const string ReportTokenFile = "VISUALPRIORS_REPORT_TOKEN_FILE";

    /// <summary>File that the outcome is left in for the operator, as one JSON document of at most 4096 bytes (a container's termination message).</summary>
    public const string TerminationMessage = "VISUALPRIORS_TERMINATION_MESSAGE";

    /// <summary>TCP port for <c>/metrics</c> and <c>/healthz</c>; absent for none.</summary>
    public const string MetricsPort = "VISUALPRIORS_METRICS_PORT";

    /// <summary>Set to <c>json</c>: logs are compact JSON, one object a line; otherwise text for people.</summary>
    public const string LogFormat = "VISUALPRIORS_LOG_FORMAT";

    /// <summary>Connection string of the storage account, or the name of a file that holds it.</summary>
    public const string StorageConnectionStringFile = "AZURE_STORAGE_CONNECTION_STRING_FILE";
}

/// <summary>Numbers and paths that operator and trainer image agree on.</summary>
public static class TrainerContract
{
    /// <summary>Audience of the token that a launcher reports with.</summary>
    public const string ReportAudience = "visualpriors-operator";

    /// <summary>Path below the operator's address that progress is posted to.</summary>
    public const string ReportPath = "/v1/progress";

    /// <summary>Longest termination message that Kubernetes keeps, in bytes.</summary>
    public const int TerminationMessageBytes = 4096;

    /// <summary>Port of the rendezvous of every attempt: each attempt's pods are new, so nobody else listens there.</summary>
    public const int RendezvousPort = 29500;

    /// <summary>Port for <c>/metrics</c> and <c>/healthz</c> of a trainer's pod.</summary>
    public const int MetricsPort = 9400;
}
