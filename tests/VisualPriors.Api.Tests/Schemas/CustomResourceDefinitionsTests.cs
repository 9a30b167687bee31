using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Tests.Schemas;

public sealed partial class CustomResourceDefinitionsTests
{
    public static TheoryData<string> Kinds => [.. CustomResource.All.Select(resource => resource.Kind)];

    [Fact]
    public void The_files_are_up_to_date()
    {
        var folder = Path.Combine(SchemaTree.Repository(), "crds");

        Assert.Equal(CustomResourceDefinitions.Files.Keys.Order(StringComparer.Ordinal), Directory.GetFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        foreach (var (name, text) in CustomResourceDefinitions.Files)
        {
            Assert.True(text == File.ReadAllText(Path.Combine(folder, name)), $"crds/{name} is stale: run `vp crds --output crds`");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_field_is_described_in_plain_text(string kind)
    {
        var root = SchemaTree.Of(kind);
        foreach (var part in new[] { "spec", "status" })
        {
            foreach (var (path, schema) in SchemaTree.Fields(root["properties"]![part]!.AsObject(), part).Where(field => !field.Path.EndsWith(".*", StringComparison.Ordinal)))
            {
                var description = schema["description"]?.GetValue<string>() ?? "";
                Assert.True(description.Length > 10 && !Markup().IsMatch(description), $"{kind} {path}: '{description}'");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_schemas_defaults_are_the_readers(string kind)
    {
        var given = Examples.Of(kind);

        Assert.Equal(Read(kind, given), Read(kind, SchemaTree.Default(kind, given)));
    }

    [Fact]
    public void A_kinds_own_defaults_are_the_schemas()
    {
        var align = SchemaTree.Default("AlignRun", Examples.With("AlignRun", "spec.training", "{\"optimizer\": {\"beta1\": 0.5}}"))["spec"]!["training"]!;

        Assert.Equal((0.5, 0.001, 0.999, 512), (
            align["optimizer"]!["beta1"]!.GetValue<double>(), align["optimizer"]!["learningRate"]!.GetValue<double>(),
            align["optimizer"]!["beta2"]!.GetValue<double>(), align["globalBatchSize"]!.GetValue<int>()));
    }

    /// <summary>A default would take the place of what the reader does: one way of warm-up given takes the other's default away.</summary>
    [Fact]
    public void Ways_that_exclude_each_other_have_no_default_but_say_what_they_are_without_it()
    {
        var optimizer = SchemaTree.Of("PretrainRun")["properties"]!["spec"]!["properties"]!["training"]!["properties"]!["optimizer"]!["properties"]!;

        Assert.All(["warmupSteps", "warmupRatio"], name => Assert.Null(optimizer[name]!["default"]));
        Assert.EndsWith("Default 1024, unless warmupRatio is given.", optimizer["warmupSteps"]!["description"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PretrainRun", "Phase, Step, Loss, Tokens/s, ETA, Attempt, Age")]
    [InlineData("SftRun", "Phase, Step, Loss, Tokens/s, ETA, Attempt, Age")]
    [InlineData("EvalRun", "Phase, Questions, Accuracy, ETA, Attempt, Age")]
    [InlineData("Pipeline", "Phase, Stages, Age")]
    public void A_list_shows_how_far_each_is(string kind, string heads) =>
        Assert.Equal(heads, string.Join(", ", CustomResource.All.Single(resource => resource.Kind == kind).Columns.Where(column => !column.IsWide).Select(column => column.Name)));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_column_shows_a_field_that_there_is(string kind)
    {
        List<string> fields = [.. SchemaTree.Fields(SchemaTree.Of(kind)).Select(field => field.Path)];
        foreach (var column in CustomResource.All.Single(resource => resource.Kind == kind).Columns.Where(column => column.Type != "date"))
        {
            Assert.Contains(Filter().Replace(column.Path, "[]")[1..], fields);
        }
    }

    [Fact]
    public void Names_and_short_names_are_used_once() =>
        Assert.Equal(15, CustomResource.All.SelectMany(resource => new[] { resource.Plural, resource.Singular, resource.ShortName }).Distinct().Count());

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_definition_is_small_enough_to_be_applied(string kind)
    {
        var resource = CustomResource.All.Single(resource => resource.Kind == kind);

        Assert.InRange(CustomResourceDefinitions.Files[$"{resource.Name}.yaml"].Length, 1, 200_000);
    }

    /// <summary>Servers before 1.25 do not know the rules; who installs there takes them out line by line.</summary>
    [Fact]
    public void Rules_can_be_taken_out_line_by_line()
    {
        foreach (var resource in CustomResource.All)
        {
            var text = Rules().Replace(CustomResourceDefinitions.Files[$"{resource.Name}.yaml"], "");
            var without = CustomResourceDefinitions.Definition(resource, withRules: false);

            Assert.Equal(CustomResourceDefinitions.Header + YamlText.Of(without), text);
            Assert.DoesNotContain("x-kubernetes-validations", text, StringComparison.Ordinal);
        }
    }

    private static string Read(string kind, JsonObject resource)
    {
        var metadata = new ObjectMeta { Name = "name" };
        var spec = JsonSerializer.SerializeToElement(resource["spec"]);
        return kind == Pipeline.Kind
            ? JsonSerializer.Serialize(ResourceReader.ReadPipeline(metadata, spec), ManifestJson.Default.Pipeline)
            : JsonSerializer.Serialize(ResourceReader.ReadRun(kind, metadata, spec), ManifestJson.Default.GetTypeInfo(ResourceKinds.Runs[kind].Type)!);
    }

    [GeneratedRegex("<[a-z/]|cref|langword")]
    private static partial Regex Markup();

    [GeneratedRegex(@"\[\?[^\]]*\]")]
    private static partial Regex Filter();

    [GeneratedRegex(@"(?m)^ *x-kubernetes-validations:\n(?: *- rule: .*\n *message: .*\n)+")]
    private static partial Regex Rules();
}
