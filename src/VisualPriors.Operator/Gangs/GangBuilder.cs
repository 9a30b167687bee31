using System.Text;
using k8s.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Operator.Settings;

namespace VisualPriors.Operator.Gangs;

/// <summary>The objects of a gang but for its pods: a plan for all attempts, a Service that gives pods names, a secret per attempt.</summary>
internal sealed class GangBuilder(OperatorSettings settings)
{
    /// <summary>File of the plan in its ConfigMap.</summary>
    public const string PlanFile = "plan.json";

    /// <summary>Key of the token in an attempt's Secret.</summary>
    public const string TokenKey = "token";

    private readonly TrainerPodBuilder _pods = new(settings);

    /// <summary>The plan. Immutable: kubelets need not watch it. Its name holds its content's hash.</summary>
    public static V1ConfigMap Plan(GangRequest request)
    {
        var plan = Encoding.UTF8.GetString(PlanJson.Write(request.Plan));
        return new V1ConfigMap
        {
            ApiVersion = "v1",
            Kind = "ConfigMap",
            Metadata = Metadata(request, PlanName(request, plan)),
            Immutable = true,
            Data = new Dictionary<string, string> { [PlanFile] = plan },
        };
    }

    /// <summary>
    /// A Service without an address of its own, so that pods have names. Names are published before pods are ready: they have to find each other to
    /// become it.
    /// </summary>
    public static V1Service Service(GangRequest request) => new()
    {
        ApiVersion = "v1",
        Kind = "Service",
        Metadata = Metadata(request, ServiceName(request)),
        Spec = new V1ServiceSpec
        {
            ClusterIP = "None",
            PublishNotReadyAddresses = true,
            Selector = new Dictionary<string, string>
            {
                [GangNames.Component] = GangNames.Trainer,
                [GangNames.Kind] = request.Key.Kind,
                [GangNames.Run] = request.Key.Name,
            },
            Ports = [new V1ServicePort { Name = "rendezvous", Port = TrainerContract.RendezvousPort }],
        },
    };

    /// <summary>The secret that an attempt's processes know each other by.</summary>
    /// <param name="request">For whom.</param>
    /// <param name="token">Random text.</param>
    public static V1Secret Token(GangRequest request, string token) => new()
    {
        ApiVersion = "v1",
        Kind = "Secret",
        Metadata = Metadata(request, TokenName(request)),
        Immutable = true,
        StringData = new Dictionary<string, string> { [TokenKey] = token },
    };

    /// <summary>The pod of a node.</summary>
    public V1Pod Pod(GangRequest request, int nodeRank)
    {
        var plan = PlanName(request, Encoding.UTF8.GetString(PlanJson.Write(request.Plan)));
        return _pods.Build(request, nodeRank, Metadata(request, GangNames.Pod(request.Key, request.Attempt, nodeRank)), plan);
    }

    /// <summary>Name of the Service.</summary>
    public static string ServiceName(GangRequest request) => GangNames.Owned(request.Key, request.Uid);

    /// <summary>Name of the attempt's Secret.</summary>
    public static string TokenName(GangRequest request) => GangNames.Owned(request.Key, request.Uid, $"-{request.Attempt}");

    private static string PlanName(GangRequest request, string plan) => GangNames.Owned(request.Key, request.Uid, $"-{GangNames.Hash(plan)}");

    private static V1ObjectMeta Metadata(GangRequest request, string name) => new()
    {
        Name = name,
        NamespaceProperty = request.Key.Namespace,
        Labels = new Dictionary<string, string>
        {
            [GangNames.ManagedBy] = GangNames.Operator,
            [GangNames.Kind] = request.Key.Kind,
            [GangNames.Run] = request.Key.Name,
        },
        OwnerReferences =
        [
            new V1OwnerReference
            {
                ApiVersion = request.ApiVersion,
                Kind = request.Key.Kind,
                Name = request.Key.Name,
                Uid = request.Uid,
                Controller = true,
                BlockOwnerDeletion = true,
            },
        ],
    };
}
