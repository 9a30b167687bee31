using System.Globalization;
using k8s.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Operator.Settings;

namespace VisualPriors.Operator.Gangs;

/// <summary>A trainer's pod: one launcher, without privilege, without a token for the API, writing nowhere but to its own scratch.</summary>
internal sealed class TrainerPodBuilder(OperatorSettings settings)
{
    private const string PlanFolder = "/etc/visualpriors";
    private const string ScratchFolder = "/scratch";
    private const string ReportFolder = "/var/run/secrets/visualpriors/report";
    private const string StorageFolder = "/var/run/secrets/visualpriors/storage";
    private const string TerminationMessagePath = "/dev/termination-log";
    private const string ReportTokenFile = "token";

    /// <summary>A user without a name: the images run as it, too.</summary>
    private const long User = 65532;

    /// <summary>Kept from the grace period for what comes after saving: publishing ends, messages are written.</summary>
    private const int GraceMarginSeconds = 5;

    /// <summary>The kubelet renews the token well before this is over; an hour is its default.</summary>
    private const long ReportTokenSeconds = 3600;

    /// <summary>The pod of one node.</summary>
    /// <param name="request">What the gang is made for.</param>
    /// <param name="nodeRank">Its place.</param>
    /// <param name="metadata">Name, labels and owner.</param>
    /// <param name="planName">The plan's ConfigMap.</param>
    public V1Pod Build(GangRequest request, int nodeRank, V1ObjectMeta metadata, string planName)
    {
        var overrides = request.Compute.Pod ?? new PodOverrides();
        Merge(metadata.Labels, overrides.Labels);
        metadata.Labels[GangNames.Component] = GangNames.Trainer;
        metadata.Labels[GangNames.Attempt] = request.Attempt.ToString(CultureInfo.InvariantCulture);
        metadata.Labels[GangNames.NodeRank] = nodeRank.ToString(CultureInfo.InvariantCulture);
        metadata.Annotations = overrides.Annotations?.ToDictionary();

        var reports = nodeRank == 0 && settings.ReportAddress.Length > 0;
        return new V1Pod
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = metadata,
            Spec = new V1PodSpec
            {
                RestartPolicy = "Never",
                Hostname = metadata.Name,
                Subdomain = GangBuilder.ServiceName(request),
                AutomountServiceAccountToken = false,
                EnableServiceLinks = false,
                // Named even where it is the default: a token for a report is asked for in its name.
                ServiceAccountName = overrides.ServiceAccountName ?? "default",
                TerminationGracePeriodSeconds = settings.Trainer.GracePeriodSeconds,
                NodeSelector = overrides.NodeSelector?.ToDictionary(),
                Tolerations = overrides.Tolerations?.Select(Toleration).ToList(),
                PriorityClassName = overrides.PriorityClassName,
                SchedulerName = overrides.SchedulerName,
                RuntimeClassName = settings.Trainer.RuntimeClassName,
                ImagePullSecrets = [.. settings.Trainer.ImagePullSecrets.Select(name => new V1LocalObjectReference { Name = name })],
                SecurityContext = new V1PodSecurityContext
                {
                    RunAsNonRoot = true,
                    RunAsUser = User,
                    RunAsGroup = User,
                    FsGroup = User,
                    SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
                },
                Containers = [Container(request, nodeRank, overrides, reports)],
                Volumes = [.. Volumes(request, overrides, planName, reports)],
            },
        };
    }

    private V1Container Container(GangRequest request, int nodeRank, PodOverrides overrides, bool reports) => new()
    {
        Name = PodState.Container,
        Image = overrides.Image ?? settings.Trainer.Image,
        ImagePullPolicy = settings.Trainer.ImagePullPolicy,
        Args = ["launch", "--plan", $"{PlanFolder}/{GangBuilder.PlanFile}"],
        Env = [.. Environment(request, nodeRank, overrides, reports)],
        Ports =
        [
            new V1ContainerPort { Name = "rendezvous", ContainerPort = TrainerContract.RendezvousPort },
            new V1ContainerPort { Name = "metrics", ContainerPort = TrainerContract.MetricsPort },
        ],
        Resources = Resources(request.Compute, overrides),
        TerminationMessagePath = TerminationMessagePath,
        TerminationMessagePolicy = "File",
        SecurityContext = new V1SecurityContext
        {
            AllowPrivilegeEscalation = false,
            ReadOnlyRootFilesystem = true,
            Capabilities = new V1Capabilities { Drop = ["ALL"] },
        },
        VolumeMounts = [.. Mounts(reports)],
    };

    private IEnumerable<V1EnvVar> Environment(GangRequest request, int nodeRank, PodOverrides overrides, bool reports)
    {
        var master = $"{GangNames.Pod(request.Key, request.Attempt, 0)}.{GangBuilder.ServiceName(request)}.{request.Key.Namespace}.svc";
        var grace = Math.Max(1, settings.Trainer.GracePeriodSeconds - GraceMarginSeconds);
        var variables = new List<(string Name, string Value)>
        {
            (TrainerVariables.Run, request.Key.ToString()),
            (TrainerVariables.NodeRank, Text(nodeRank)),
            (TrainerVariables.MasterAddress, master),
            (TrainerVariables.MasterPort, Text(TrainerContract.RendezvousPort)),
            (TrainerVariables.Attempt, Text(request.Attempt)),
            (TrainerVariables.Fence, request.Fence.ToString(CultureInfo.InvariantCulture)),
            (TrainerVariables.LogFormat, settings.Log.Format),
            (TrainerVariables.GraceSeconds, Text(grace)),
            (TrainerVariables.Scratch, ScratchFolder),
            (TrainerVariables.TerminationMessage, TerminationMessagePath),
            (TrainerVariables.MetricsPort, Text(TrainerContract.MetricsPort)),
            // .NET's diagnostics would want to write a socket; temporary files go where there is room.
            ("DOTNET_EnableDiagnostics", "0"),
            ("TMPDIR", ScratchFolder),
            ("HOME", ScratchFolder),
        };
        if (reports)
        {
            variables.Add((TrainerVariables.ReportAddress, settings.ReportAddress.TrimEnd('/') + TrainerContract.ReportPath));
            variables.Add((TrainerVariables.ReportTokenFile, $"{ReportFolder}/{ReportTokenFile}"));
        }

        if (settings.Storage.SecretName.Length > 0)
        {
            variables.Add((TrainerVariables.StorageConnectionStringFile, $"{StorageFolder}/{settings.Storage.SecretKey}"));
        }

        return variables.Select(variable => new V1EnvVar { Name = variable.Name, Value = variable.Value })
            .Append(new V1EnvVar
            {
                Name = TrainerVariables.RendezvousToken,
                ValueFrom = new V1EnvVarSource
                {
                    SecretKeyRef = new V1SecretKeySelector { Name = GangBuilder.TokenName(request), Key = GangBuilder.TokenKey },
                },
            })
            .Concat((overrides.Environment ?? new Dictionary<string, string>()).OrderBy(variable => variable.Key, StringComparer.Ordinal)
                .Select(variable => new V1EnvVar { Name = variable.Key, Value = variable.Value }));
    }

    private IEnumerable<V1VolumeMount> Mounts(bool reports)
    {
        yield return new V1VolumeMount { Name = "plan", MountPath = PlanFolder, ReadOnlyProperty = true };
        yield return new V1VolumeMount { Name = "scratch", MountPath = ScratchFolder };
        yield return new V1VolumeMount { Name = "shared-memory", MountPath = "/dev/shm" };
        if (reports)
        {
            yield return new V1VolumeMount { Name = "report-token", MountPath = ReportFolder, ReadOnlyProperty = true };
        }

        if (settings.Storage.SecretName.Length > 0)
        {
            yield return new V1VolumeMount { Name = "storage", MountPath = StorageFolder, ReadOnlyProperty = true };
        }
    }

    private IEnumerable<V1Volume> Volumes(GangRequest request, PodOverrides overrides, string planName, bool reports)
    {
        yield return new V1Volume { Name = "plan", ConfigMap = new V1ConfigMapVolumeSource { Name = planName } };
        yield return new V1Volume { Name = "scratch", EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = Quantity(overrides.Scratch) } };
        yield return new V1Volume
        {
            Name = "shared-memory",
            EmptyDir = new V1EmptyDirVolumeSource
            {
                Medium = "Memory",
                SizeLimit = Quantity(overrides.SharedMemory ?? $"{Math.Max(1, request.Compute.GpusPerNode)}Gi"),
            },
        };
        if (reports)
        {
            yield return new V1Volume
            {
                Name = "report-token",
                Projected = new V1ProjectedVolumeSource
                {
                    Sources =
                    [
                        new V1VolumeProjection
                        {
                            ServiceAccountToken = new V1ServiceAccountTokenProjection
                            {
                                Audience = TrainerContract.ReportAudience,
                                ExpirationSeconds = ReportTokenSeconds,
                                Path = ReportTokenFile,
                            },
                        },
                    ],
                },
            };
        }

        if (settings.Storage.SecretName.Length > 0)
        {
            yield return new V1Volume
            {
                Name = "storage",
                Secret = new V1SecretVolumeSource
                {
                    SecretName = settings.Storage.SecretName,
                    Items = [new V1KeyToPath { Key = settings.Storage.SecretKey, Path = settings.Storage.SecretKey }],
                },
            };
        }
    }

    private static V1ResourceRequirements? Resources(ComputeSpec compute, PodOverrides overrides)
    {
        var amounts = new Dictionary<string, ResourceQuantity>();
        if (compute.GpusPerNode > 0)
        {
            amounts["nvidia.com/gpu"] = new ResourceQuantity(Text(compute.GpusPerNode));
        }

        if (overrides.Cpu is not null)
        {
            amounts["cpu"] = new ResourceQuantity(overrides.Cpu);
        }

        if (overrides.Memory is not null)
        {
            amounts["memory"] = new ResourceQuantity(overrides.Memory);
        }

        // Requests follow limits where only limits are given: what a pod asks for it has, and no more.
        return amounts.Count == 0 ? null : new V1ResourceRequirements { Limits = amounts };
    }

    private static V1Toleration Toleration(PodToleration toleration) => new()
    {
        Key = toleration.Key,
        OperatorProperty = toleration.Operator,
        Value = toleration.Value,
        Effect = toleration.Effect,
        TolerationSeconds = toleration.TolerationSeconds,
    };

    private static ResourceQuantity? Quantity(string? text) => text is null ? null : new ResourceQuantity(text);

    private static void Merge(IDictionary<string, string> labels, IReadOnlyDictionary<string, string>? more)
    {
        foreach (var (name, value) in more ?? new Dictionary<string, string>())
        {
            labels.TryAdd(name, value);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
