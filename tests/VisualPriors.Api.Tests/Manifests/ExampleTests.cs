using VisualPriors.Api.Manifests;

namespace VisualPriors.Api.Tests.Manifests;

/// <summary>The manifests that readers start from.</summary>
public sealed class ExampleTests
{
    public static TheoryData<string> Examples => [.. Directory.GetFiles(Folder(), "*.yaml").Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Every_example_is_valid(string name) => Assert.NotEmpty(ManifestReader.Read(Path.Combine(Folder(), name)).Runs);

    private static string Folder()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "VisualPriors.sln")))
        {
            root = root.Parent!;
        }

        return Path.Combine(root.FullName, "deploy", "examples");
    }
}
