using VisualPriors.ChartTesting;
using YamlDotNet.RepresentationModel;

namespace VisualPriors.Chart.Tests;

/// <summary>The chart's custom resource definitions are those of <c>crds/</c>, to the letter, with labels and an annotation more.</summary>
public sealed class CustomResourceTests
{
    private const string Rules = "x-kubernetes-validations";

    private static readonly string[] Files = Directory.GetFiles(Path.Combine(Repository.Root, "crds"), "*.yaml");

    [Fact]
    public async Task Every_definition_is_installed_as_it_was_generated()
    {
        Assert.NotEmpty(Files);
        var rendered = await Rendering.TextAsync();
        Assert.All(Files, file =>
        {
            var text = File.ReadAllText(file);
            // Numbers as they stand: a template that parsed them would write a large one with an exponent.
            Assert.Contains(text[(text.IndexOf("\nmetadata:\n", StringComparison.Ordinal) + "\nmetadata:\n".Length)..].TrimEnd(), rendered, StringComparison.Ordinal);
        });
        Assert.Equal(Files.Length, Definitions(Rendering.Parse(rendered)).Count());
    }

    [Fact]
    public async Task A_packaged_chart_has_the_definitions_in_it()
    {
        var folder = Directory.CreateTempSubdirectory("vp-chart-").FullName;
        try
        {
            using var helm = new Helm();
            await helm.RunAsync("package", Repository.Chart, "--destination", folder);
            var rendered = await helm.RunAsync("template", "visualpriors", Assert.Single(Directory.GetFiles(folder)), "--set", Rendering.Address);
            Assert.Equal(Files.Length, Definitions(Rendering.Parse(rendered)).Count());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_server_that_does_not_know_CEL_rules_gets_all_but_them()
    {
        var complete = Definitions(await Rendering.ObjectsAsync("--kube-version", "1.25.0")).ToList();
        Assert.Contains(complete, HasRules);
        var without = Definitions(await Rendering.ObjectsAsync("--kube-version", "1.24.17")).ToList();
        Assert.DoesNotContain(without, HasRules);
        complete.ForEach(RemoveRules);
        Assert.Equal(complete, without);
    }

    [Theory]
    [InlineData("true", "keep")]
    [InlineData("false", "")]
    public async Task Definitions_are_kept_or_not_as_the_values_say(string keep, string policy)
    {
        Assert.All(Definitions(await Rendering.ObjectsAsync("--set", $"crds.keep={keep}")), one => Assert.Equal(policy, one.Text("metadata", "annotations", "helm.sh/resource-policy")));
    }

    [Fact]
    public async Task Definitions_are_left_out_when_another_installs_them() =>
        Assert.Empty(Definitions(await Rendering.ObjectsAsync("--set", "crds.install=false")));

    private static IEnumerable<YamlMappingNode> Definitions(IEnumerable<YamlMappingNode> rendered) =>
        rendered.Where(one => one.Text("kind") == "CustomResourceDefinition");

    private static bool HasRules(YamlNode node) => node.AllNodes.OfType<YamlMappingNode>().Any(map => map.Children.ContainsKey(Rules));

    private static void RemoveRules(YamlNode node)
    {
        foreach (var map in node.AllNodes.OfType<YamlMappingNode>().ToList())
        {
            map.Children.Remove(Rules);
        }
    }
}
