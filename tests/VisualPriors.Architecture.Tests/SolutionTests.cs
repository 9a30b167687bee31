namespace VisualPriors.Architecture.Tests;

public sealed class SolutionTests
{
    [Fact]
    public void Every_source_project_has_a_test_project_that_references_it() => Assert.All(SolutionFiles.Sources.Values, project =>
    {
        Assert.True(SolutionFiles.Tests.TryGetValue($"{project.Name}.Tests", out var tests), $"{project.Name} has no tests project.");
        Assert.Contains(project.Name, tests.Projects);
    });

    [Fact]
    public void Every_project_is_in_the_solution_and_the_solution_names_nothing_else() => Assert.Equal(
        SolutionFiles.Sources.Values.Concat(SolutionFiles.Tests.Values).Select(project => project.Path).Order(StringComparer.Ordinal),
        SolutionFiles.InSolution.Order(StringComparer.Ordinal));

    [Fact]
    public void Every_project_bears_its_folder_s_name() => Assert.All(
        SolutionFiles.Sources.Values,
        project => Assert.Equal($"src/{project.Name}/{project.Name}.csproj", project.Path));
}
