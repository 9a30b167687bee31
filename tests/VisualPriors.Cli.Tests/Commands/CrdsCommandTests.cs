namespace VisualPriors.Cli.Tests.Commands;

public sealed class CrdsCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vp-crds-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Writes_a_file_for_every_kind()
    {
        var run = await VpRun.Of(["crds", "--output", Path.Combine(_folder, "crds")]);

        Assert.Equal((0, "", ""), (run.ExitCode, run.Output, run.Error));
        Assert.Equal(
            ["alignruns", "evalruns", "pipelines", "pretrainruns", "sftruns"],
            Directory.GetFiles(Path.Combine(_folder, "crds"), "*.visualpriors.dev.yaml").Select(path => Path.GetFileName(path).Split('.')[0]).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Writes_them_with_or_without_rules(bool withRules)
    {
        string[] options = withRules ? [] : ["--without-rules"];

        var run = await VpRun.Of(["crds", .. options]);

        Assert.Equal(5, run.Output.Split("\nkind: CustomResourceDefinition\n").Length - 1);
        Assert.Equal(withRules, run.Output.Contains("x-kubernetes-validations", StringComparison.Ordinal));
    }
}
