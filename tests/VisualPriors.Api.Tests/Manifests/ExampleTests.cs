using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Tests.Schemas;

namespace VisualPriors.Api.Tests.Manifests;

/// <summary>The manifests that readers start from.</summary>
public sealed class ExampleTests : IDisposable
{
    private static readonly string Folder = Path.Combine(SchemaTree.Repository(), "deploy", "examples");

    private readonly TemporaryFolder _folder = new();

    /// <summary>One kind each; each starts from the one before it.</summary>
    private static string[] Links => ["pretrainrun.yaml", "alignrun.yaml", "sftrun.yaml", "evalrun.yaml"];

    public static TheoryData<string> WholeChains =>
        [.. Directory.GetFiles(Folder, "*.yaml").Select(path => Path.GetFileName(path)).Except(Links.Skip(1))];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(WholeChains))]
    public void Every_example_is_valid_and_can_be_planned(string name) => Assert.NotEmpty(Plan(Path.Combine(Folder, name)));

    [Fact]
    public void The_links_of_a_chain_are_valid_together_in_any_order()
    {
        var text = string.Join("\n---\n", Links.Reverse().Select(name => File.ReadAllText(Path.Combine(Folder, name))));

        Assert.Equal(["PretrainRun", "AlignRun", "SftRun", "EvalRun"], Plan(_folder.Write("chain.yaml", text)).Select(stage => stage.Run.Kind));
    }

    [Fact]
    public void The_pipeline_computes_what_the_links_compute()
    {
        var text = string.Join("\n---\n", Links.Select(name => File.ReadAllText(Path.Combine(Folder, name))));

        Assert.Equal(
            Plan(_folder.Write("chain.yaml", text)).Select(stage => stage.Digest),
            Plan(Path.Combine(Folder, "pipeline.yaml")).Select(stage => stage.Digest));
    }

    [Fact]
    public void Two_nodes_compute_what_one_computes()
    {
        var (one, two) = (Plan(Path.Combine(Folder, "pretrainrun.yaml"))[0], Plan(Path.Combine(Folder, "pretrainrun-two-nodes.yaml"))[0]);

        Assert.Equal((one.Digest, 1, 2), (two.Digest, one.Run.Compute.Nodes, two.Run.Compute.Nodes));
    }

    private static IReadOnlyList<PlannedStage> Plan(string path)
    {
        var runs = ManifestReader.Read(path).Runs;
        var data = runs.SelectMany(DataRequirement.Of).Select(requirement => requirement.Name).Distinct()
            .ToDictionary(name => name, name => new DataSet($"/data/{name}", new string('0', 64)));
        return StagePlanner.Plan(runs, data, StagePlaces.InFolder("/output"));
    }
}
