using System.Reflection;
using System.Text.Json.Nodes;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Tests.Schemas;

/// <summary>docs/resources.md says what is so.</summary>
public sealed class DocumentationTests
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(SchemaTree.Repository(), "docs", "resources.md"));

    [Fact]
    public void Every_kind_is_there_with_its_names_and_what_it_starts_from()
    {
        foreach (var resource in CustomResource.All)
        {
            var line = Line($"| {resource.Kind} | {resource.Plural} | {resource.ShortName} | ");
            var kinds = SchemaTree.Of(resource.Kind)["properties"]!["spec"]!["properties"]!["from"]?["properties"]!["kind"]!["enum"] as JsonArray;
            Assert.EndsWith(kinds is null ? " |" : $"| {string.Join(", ", kinds.Select(kind => kind!.GetValue<string>()))} |", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_column_is_there()
    {
        foreach (var resource in CustomResource.All)
        {
            Assert.Contains($"| {resource.Kind} | {Heads(isWide: false)} | {Heads(isWide: true)} |", Lines);

            string Heads(bool isWide) => string.Join(", ", resource.Columns.Where(column => column.IsWide == isWide).Select(column => column.Name));
        }
    }

    [Fact]
    public void Every_phase_and_condition_is_there()
    {
        Assert.All(Enum.GetNames<RunPhase>(), phase => Line($"| {phase} | "));
        var conditions = typeof(ConditionTypes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!);
        Assert.Contains($"The phase sums up the conditions: {string.Join(", ", conditions)}.", string.Join(" ", Lines), StringComparison.Ordinal);
    }

    private static string Line(string start) => Assert.Single(Lines, line => line.StartsWith(start, StringComparison.Ordinal));
}
