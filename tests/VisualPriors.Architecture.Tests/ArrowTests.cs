namespace VisualPriors.Architecture.Tests;

/// <summary>The arrows of the design point down only: which project may know which.</summary>
public sealed class ArrowTests
{
    private const string Prefix = "VisualPriors.";

    /// <summary>From the bottom up. A project references projects of lower layers only; two of one layer do not know each other.</summary>
    private static readonly string[][] Layers =
    [
        ["Api", "ControllerRuntime"],
        ["Torch", "Storage"],
        ["Data", "Models", "Distributed"],
        ["Training", "Evaluation"],
        ["Trainer", "Operator"],
        ["Cli"],
    ];

    public static TheoryData<string> Projects { get; } = [.. SolutionFiles.Sources.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_lower_layers_only(string project)
    {
        var layer = LayerOf(project);
        Assert.True(layer >= 0, $"{project} has no place in the layers: add it where it belongs.");
        Assert.All(SolutionFiles.Sources[project].Projects, reference =>
            Assert.True(LayerOf(reference) < layer, $"{project} references {reference}, which is not below it."));
    }

    /// <summary>Projects that know nothing of experiments: all that they may reach. (Of Api, Torch and Storage need the errors and the outcome.)</summary>
    [Theory]
    [InlineData("Api")]
    [InlineData("ControllerRuntime")]
    [InlineData("Torch", "Api")]
    [InlineData("Storage", "Api")]
    public void A_project_knows_nothing_but(string project, params string[] others) =>
        Assert.Subset(others.Select(other => Prefix + other).ToHashSet(), Reachable(project).ToHashSet());

    /// <summary>What a project must not reach, directly or by way of others.</summary>
    [Theory]
    [InlineData("Data", "Torch", "Models")]
    [InlineData("Models", "Storage", "Data")]
    [InlineData("Distributed", "Data", "Models")]
    [InlineData("Training", "Evaluation")]
    [InlineData("Operator", "Torch", "Training", "Evaluation", "Trainer")]
    [InlineData("Trainer", "ControllerRuntime", "Operator")]
    public void A_project_does_not_know(string project, params string[] others) =>
        Assert.All(others, other => Assert.DoesNotContain(Prefix + other, Reachable(project)));

    [Theory]
    [InlineData("TorchSharp", "Torch")]
    [InlineData("libtorch-cpu-linux-x64", "Torch")]
    [InlineData("YamlDotNet", "Api")]
    [InlineData("SkiaSharp", "Data")]
    [InlineData("Microsoft.ML.Tokenizers", "Data")]
    [InlineData("System.CommandLine", "Cli")]
    [InlineData("Spectre.Console", "Cli")]
    public void A_package_has_one_home(string package, string home) => Assert.Equal(
        [Prefix + home], SolutionFiles.Sources.Values.Where(project => project.Packages.Contains(package)).Select(project => project.Name));

    [Fact]
    public void The_operator_s_side_and_the_trainer_s_side_share_no_heavy_package()
    {
        Assert.All(With("KubernetesClient"), project => Assert.DoesNotContain(Prefix + "Torch", SolutionFiles.Reachable(project)));
        Assert.DoesNotContain(Prefix + "Trainer", With("KubernetesClient"));
    }

    private static IEnumerable<string> With(string package) =>
        SolutionFiles.Sources.Values.Where(project => project.Packages.Contains(package)).Select(project => project.Name);

    /// <summary>What a project reaches; nothing where a part of the design is not built yet.</summary>
    private static IReadOnlySet<string> Reachable(string project) =>
        SolutionFiles.Sources.ContainsKey(Prefix + project) ? SolutionFiles.Reachable(Prefix + project) : new HashSet<string>();

    private static int LayerOf(string project) => Array.FindIndex(Layers, layer => layer.Contains(project[Prefix.Length..]));
}
