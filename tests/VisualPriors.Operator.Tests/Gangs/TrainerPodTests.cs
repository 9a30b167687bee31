using k8s.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;
using VisualPriors.Operator.Settings;

namespace VisualPriors.Operator.Tests.Gangs;

public sealed class TrainerPodTests
{
    [Fact]
    public void A_pod_has_no_privilege_and_no_token_for_the_API()
    {
        var spec = Pod().Spec;
        var container = Assert.Single(spec.Containers);
        Assert.False(spec.AutomountServiceAccountToken);
        Assert.True(spec.SecurityContext.RunAsNonRoot);
        Assert.Equal("RuntimeDefault", spec.SecurityContext.SeccompProfile.Type);
        Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
        Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
        Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
        Assert.Null(spec.HostNetwork);
        Assert.DoesNotContain(spec.Volumes, volume => volume.HostPath is not null);
        Assert.Equal("Never", spec.RestartPolicy);
    }

    [Fact]
    public void Credentials_come_by_reference_only()
    {
        var pod = Pod();
        Assert.Equal("store", pod.Spec.Volumes.Single(volume => volume.Name == "storage").Secret.SecretName);
        var token = pod.Spec.Containers[0].Env.Single(variable => variable.Name == TrainerVariables.RendezvousToken);
        Assert.Null(token.Value);
        Assert.Equal(GangBuilder.TokenName(Request()), token.ValueFrom.SecretKeyRef.Name);
    }

    [Fact]
    public void Only_the_first_node_can_report()
    {
        Assert.Equal("visualpriors-operator", Pod(0).Spec.Volumes.Single(volume => volume.Name == "report-token").Projected.Sources[0].ServiceAccountToken.Audience);
        Assert.DoesNotContain(Pod(1).Spec.Volumes, volume => volume.Name == "report-token");
        Assert.Null(Environment(Pod(1), TrainerVariables.ReportAddress));
        Assert.Equal("http://operator:8080/v1/progress", Environment(Pod(0), TrainerVariables.ReportAddress));
    }

    [Fact]
    public void Every_pod_knows_its_place_and_where_the_first_one_is()
    {
        var pod = Pod(1);
        Assert.Equal("pretrain-decoder-4-1", pod.Metadata.Name);
        Assert.Equal(("1", "4"), (Environment(pod, TrainerVariables.NodeRank), Environment(pod, TrainerVariables.Attempt)));
        Assert.Equal("1800000000", Environment(pod, TrainerVariables.Fence));
        var service = GangBuilder.Service(Request());
        Assert.Equal($"pretrain-decoder-4-0.{service.Metadata.Name}.team.svc", Environment(pod, TrainerVariables.MasterAddress));
        Assert.Equal((pod.Metadata.Name, service.Metadata.Name), (pod.Spec.Hostname, pod.Spec.Subdomain));
        Assert.Equal("None", service.Spec.ClusterIP);
        Assert.True(service.Spec.PublishNotReadyAddresses);
        Assert.All(service.Spec.Selector, label => Assert.Equal(label.Value, pod.Metadata.Labels[label.Key]));
    }

    [Fact]
    public void Gpus_bring_a_limit_and_shared_memory_for_NCCL()
    {
        var pod = Pod(0, new ComputeSpec { Nodes = 2, GpusPerNode = 8 });
        Assert.Equal("8", pod.Spec.Containers[0].Resources.Limits["nvidia.com/gpu"].ToString());
        var shared = pod.Spec.Volumes.Single(volume => volume.Name == "shared-memory");
        Assert.Equal(("Memory", "8Gi"), (shared.EmptyDir.Medium, shared.EmptyDir.SizeLimit.ToString()));
        Assert.Equal("shared-memory", pod.Spec.Containers[0].VolumeMounts.Single(mount => mount.MountPath == "/dev/shm").Name);
        Assert.Equal("1Gi", Pod().Spec.Volumes.Single(volume => volume.Name == "shared-memory").EmptyDir.SizeLimit.ToString());
    }

    [Fact]
    public void Overrides_reach_the_pod_and_cannot_take_the_operator_s_labels()
    {
        var pod = Pod(0, new ComputeSpec
        {
            Nodes = 2,
            Pod = new PodOverrides
            {
                Image = "mine:1",
                Labels = new Dictionary<string, string> { ["team"] = "vision", [GangNames.Attempt] = "99", [GangNames.Run] = "other" },
                NodeSelector = new Dictionary<string, string> { ["pool"] = "h100" },
                Tolerations = [new PodToleration { Key = "gpu", Operator = "Exists", Effect = "NoSchedule" }],
                Cpu = "4",
                Memory = "8Gi",
                SharedMemory = "2Gi",
                Environment = new Dictionary<string, string> { ["NCCL_DEBUG"] = "INFO" },
                ServiceAccountName = "trainer",
                PriorityClassName = "high",
            },
        });
        Assert.Equal(("vision", "4", "decoder"), (pod.Metadata.Labels["team"], pod.Metadata.Labels[GangNames.Attempt], pod.Metadata.Labels[GangNames.Run]));
        Assert.Equal("mine:1", pod.Spec.Containers[0].Image);
        Assert.Equal("h100", pod.Spec.NodeSelector["pool"]);
        Assert.Equal(("gpu", "Exists", "NoSchedule"), (pod.Spec.Tolerations[0].Key, pod.Spec.Tolerations[0].OperatorProperty, pod.Spec.Tolerations[0].Effect));
        Assert.Equal(("4", "8Gi"), (pod.Spec.Containers[0].Resources.Limits["cpu"].ToString(), pod.Spec.Containers[0].Resources.Limits["memory"].ToString()));
        Assert.Equal("INFO", Environment(pod, "NCCL_DEBUG"));
        Assert.Equal(("trainer", "high"), (pod.Spec.ServiceAccountName, pod.Spec.PriorityClassName));
    }

    [Fact]
    public void Everything_of_a_gang_belongs_to_its_run()
    {
        var request = Request();
        V1ObjectMeta[] all = [Pod().Metadata, GangBuilder.Plan(request).Metadata, GangBuilder.Service(request).Metadata, GangBuilder.Token(request, "t").Metadata];
        Assert.All(all, metadata =>
        {
            var owner = Assert.Single(metadata.OwnerReferences);
            Assert.Equal(("PretrainRun", "decoder", "uid", true), (owner.Kind, owner.Name, owner.Uid, owner.Controller == true));
            Assert.Equal("team", metadata.NamespaceProperty);
        });
        Assert.True(GangBuilder.Plan(request).Immutable);
    }

    [Theory]
    [InlineData("decoder", "pretrain-decoder-12-345")]
    [InlineData("a.b", null)]
    [InlineData("a-name-that-goes-on-and-on-for-as-long-as-kubernetes-lets-it-go", null)]
    public void Names_of_pods_are_host_names_of_at_most_63_characters(string run, string? expected)
    {
        var name = GangNames.Pod(new RunKey("PretrainRun", "team", run), 12, 345);
        Assert.Matches("^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", name);
        Assert.Equal(expected ?? name, name);
        Assert.NotEqual(name, GangNames.Pod(new RunKey("PretrainRun", "team", run + "x"), 12, 345));
        Assert.NotEqual(name, GangNames.Pod(new RunKey("PretrainRun", "team", run), 12, 346));
    }

    internal static OperatorSettings Settings { get; } = new()
    {
        Storage = new StorageSettings { Address = "azblob://account/container", SecretName = "store" },
        Trainer = new TrainerSettings { Image = "trainer:1" },
        ReportAddress = "http://operator:8080",
    };

    private static GangRequest Request(ComputeSpec? compute = null) => new(
        new RunKey("PretrainRun", "team", "decoder"), "uid", "visualpriors.dev/v1alpha1", 4, Fence: 1_800_000_000, compute ?? new ComputeSpec { Nodes = 2 }, Plan);

    private static StagePlan Plan { get; } = StagePlanner.Plan(
        [Runs.Observations.Pretrain()],
        new Dictionary<string, DataSet> { ["corpus"] = new("azblob://account/container/data/corpus", "digest") },
        StagePlaces.InStore("azblob://account/container"))[0].Plan;

    private static V1Pod Pod(int rank = 0, ComputeSpec? compute = null) => new GangBuilder(Settings).Pod(Request(compute), rank);

    private static string? Environment(V1Pod pod, string name) => pod.Spec.Containers[0].Env.SingleOrDefault(variable => variable.Name == name)?.Value;
}
