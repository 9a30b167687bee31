using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>Values that make no sense are refused before anything is installed, and by name.</summary>
public sealed class ValuesRefusalTests
{
    [Theory]
    [InlineData("replcas=3", "'replcas'")]
    [InlineData("rbac.namespace=true", "at '/rbac': additional properties 'namespace'")]
    [InlineData("replicas=0", "at '/replicas'")]
    [InlineData("replicas=three", "at '/replicas'")]
    [InlineData("storage.address=s3://bucket/prefix", "at '/storage/address'")]
    [InlineData("storage.secretName=No_Name", "at '/storage/secretName'")]
    [InlineData("image.pullPolicy=Sometimes", "at '/image/pullPolicy'")]
    [InlineData("trainer.image.digest=sha256:12", "at '/trainer/image/digest'")]
    [InlineData("trainer.gracePeriodSeconds=1", "at '/trainer/gracePeriodSeconds'")]
    [InlineData("log.level=info", "at '/log/level'")]
    [InlineData("workloadIdentityClientId=me", "at '/workloadIdentityClientId'")]
    [InlineData("networkPolicy.storage.ports={0}", "at '/networkPolicy/storage/ports/0'")]
    [InlineData("networkPolicy.apiServer.cidrs={10.0.0.1}", "at '/networkPolicy/apiServer/cidrs/0'")]
    [InlineData("networkPolicy.monitoring.podSelector.app=prometheus", "at '/networkPolicy/monitoring/podSelector'")]
    [InlineData("monitoring.podMonitor.interval=soon", "at '/monitoring/podMonitor/interval'")]
    [InlineData("podLabels.replicas=3", "at '/podLabels/replicas'")]
    [InlineData("resources.request.cpu=1", "at '/resources'")]
    [InlineData("tolerations[0].effect=Never", "at '/tolerations/0/effect'")]
    [InlineData("leaderElection.enabled=false,replicas=2", "replicas: 2 of them need leaderElection.enabled")]
    [InlineData("leaderElection.renewSeconds=15", "renewSeconds (15) < leaseSeconds (15)")]
    [InlineData("leaderElection.retrySeconds=10", "retrySeconds (10) < renewSeconds (10)")]
    [InlineData("serviceAccount.create=false", "serviceAccount.name: wanted when serviceAccount.create is false")]
    public async Task A_value_that_makes_no_sense_is_refused_by_name(string value, string expected)
    {
        using var helm = new Helm();
        var result = await helm.TryAsync("template", "visualpriors", Repository.Chart, "--set", Rendering.Address, "--set", value);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_address_of_the_storage_has_no_default()
    {
        using var helm = new Helm();
        var result = await helm.TryAsync("template", "visualpriors", Repository.Chart);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("storage.address: wanted, such as azblob://account/container/prefix", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_older_than_any_that_was_tried_is_refused()
    {
        using var helm = new Helm();
        var result = await helm.TryAsync("template", "visualpriors", Repository.Chart, "--set", Rendering.Address, "--kube-version", "1.19.16");
        Assert.Contains("requires kubeVersion: >=1.20.0-0", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_a_part_of_another_chart_it_takes_the_values_that_are_global_there() =>
        Assert.NotEmpty(await Rendering.TextAsync("--set", "global.registry=example"));
}
