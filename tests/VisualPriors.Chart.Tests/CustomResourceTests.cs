using VisualPriors.ChartTesting;

namespace VisualPriors.Chart.Tests;

/// <summary>The chart's custom resource definitions are those of <c>crds/</c>, to the letter, with labels and an annotation more.</summary>
public sealed class CustomResourceTests
{
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
        Assert.Equal(Files.Length, Rendering.Parse(rendered).Count(one => one.Text("kind") == "CustomResourceDefinition"));
    }

    [Theory]
    [InlineData("true", "keep")]
    [InlineData("false", "")]
    public async Task Definitions_are_kept_or_not_as_the_values_say(string keep, string policy)
    {
        var definitions = (await Rendering.ObjectsAsync("--set", $"crds.keep={keep}")).Where(one => one.Text("kind") == "CustomResourceDefinition");
        Assert.All(definitions, one => Assert.Equal(policy, one.Text("metadata", "annotations", "helm.sh/resource-policy")));
    }

    [Fact]
    public async Task Definitions_are_left_out_when_another_installs_them() =>
        Assert.DoesNotContain(await Rendering.ObjectsAsync("--set", "crds.install=false"), one => one.Text("kind") == "CustomResourceDefinition");
}
