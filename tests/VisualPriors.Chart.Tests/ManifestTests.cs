using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace VisualPriors.Chart.Tests;

/// <summary>What holds for everything that the chart renders, whatever the values.</summary>
public sealed class ManifestTests
{
    private static readonly string[] Everything =
    [
        "--set", "replicas=3,networkPolicy.enabled=true,networkPolicy.trainerNamespaces={experiments}",
        "--set", "monitoring.serviceMonitor.enabled=true,monitoring.podMonitor.enabled=true,storage.secretName=storage",
    ];

    private static readonly string[] Labels = ["name", "instance", "component", "version", "managed-by"];

    [Fact]
    public async Task Everything_bears_the_recommended_labels() => Assert.All(await Rendering.ObjectsAsync(Everything), rendered =>
    {
        Assert.All(Labels, label => Assert.True(
            rendered.Text("metadata", "labels", $"app.kubernetes.io/{label}").Length > 0, $"{rendered.Title()} lacks the label {label}."));
    });

    [Fact]
    public async Task Every_pod_keeps_to_the_restricted_profile()
    {
        var pods = (await Rendering.ObjectsAsync(Everything))
            .Select(rendered => rendered.Text("kind") == "Pod" ? rendered.At("spec") : rendered.At("spec", "template", "spec")).OfType<YamlNode>().ToList();
        Assert.Equal(2, pods.Count);
        Assert.All(pods, pod =>
        {
            Assert.Equal("true", pod.Text("securityContext", "runAsNonRoot"));
            Assert.Equal("RuntimeDefault", pod.Text("securityContext", "seccompProfile", "type"));
            var container = Assert.Single((YamlSequenceNode)pod.At("containers")!);
            Assert.Equal("false", container.Text("securityContext", "allowPrivilegeEscalation"));
            Assert.Equal("true", container.Text("securityContext", "readOnlyRootFilesystem"));
            Assert.Equal("ALL", container.Text("securityContext", "capabilities", "drop", 0));
            Assert.All((YamlSequenceNode)pod.At("volumes")!, volume => Assert.Null(volume.At("hostPath")));
        });
    }

    [Fact]
    public async Task Namespaced_mode_has_no_cluster_scoped_object_and_no_object_elsewhere()
    {
        var rendered = await Rendering.ObjectsAsync([.. Everything, "--set", "rbac.namespaced=true,crds.install=false"]);
        Assert.All(rendered, one => Assert.True(one.Text("metadata", "namespace") == "visualpriors-system", one.Title()));
        Assert.All(rendered, one => Assert.DoesNotContain("Cluster", one.Text("kind"), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("rbac.namespaced=false", "", "TokenReview")]
    [InlineData("rbac.namespaced=true", "visualpriors-system", "PublishedKeys")]
    public async Task Tokens_are_checked_in_the_way_that_the_rights_suffice_for(string values, string watched, string verification)
    {
        var rendered = await Rendering.ObjectsAsync("--set", values);
        var settings = Settings(rendered);
        Assert.Equal(watched, settings.GetProperty("namespace").GetString());
        Assert.Equal(verification, settings.GetProperty("tokenVerification").GetString());
        Assert.Equal("http://visualpriors-operator.visualpriors-system.svc:8080", settings.GetProperty("reportAddress").GetString());
        Assert.Equal(verification == "TokenReview", rendered.Any(one => one.Text("kind") == "ClusterRole"));
    }

    [Fact]
    public async Task New_settings_replace_the_pods()
    {
        static string Checksum(IReadOnlyList<YamlMappingNode> rendered) => Assert.Single(rendered, one => one.Text("kind") == "Deployment")
            .Text("spec", "template", "metadata", "annotations", "checksum/settings");
        var before = Checksum(await Rendering.ObjectsAsync());
        Assert.Equal(before, Checksum(await Rendering.ObjectsAsync("--set", "podLabels.team=vision")));
        Assert.NotEqual(before, Checksum(await Rendering.ObjectsAsync("--set", "workers=5")));
    }

    [Fact]
    public async Task Without_leader_election_an_upgrade_never_has_two_at_once()
    {
        var rendered = await Rendering.ObjectsAsync("--set", "leaderElection.enabled=false");
        Assert.Equal("Recreate", Assert.Single(rendered, one => one.Text("kind") == "Deployment").Text("spec", "strategy", "type"));
        Assert.DoesNotContain(rendered, one => one.Text("kind") is "Role" or "Lease");
    }

    private static JsonElement Settings(IReadOnlyList<YamlMappingNode> rendered)
    {
        var map = Assert.Single(rendered, one => one.Text("kind") == "ConfigMap");
        using var document = JsonDocument.Parse(map.Text("data", "settings.json"));
        return document.RootElement.Clone();
    }
}
