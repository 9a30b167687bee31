using System.Diagnostics;
using System.Text.Json.Nodes;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Tests.Schemas;

/// <summary>Holds resources against the CEL rules of their schemas, by an evaluator that is not ours.</summary>
internal static class CelRules
{
    /// <summary>A resource, and what it was before when it is an update.</summary>
    public sealed record Case(string Kind, JsonObject Resource, JsonObject? Old = null);

    /// <summary>For every case, the messages of the rules that refuse it.</summary>
    public static async Task<IReadOnlyList<IReadOnlyList<string>>> RefusalsAsync(IReadOnlyList<Case> cases)
    {
        var question = new JsonObject
        {
            ["schemas"] = new JsonObject(CustomResource.All.Select(resource => KeyValuePair.Create<string, JsonNode?>(resource.Kind, SchemaTree.Of(resource.Kind)))),
            ["cases"] = new JsonArray([.. cases.Select(item => new JsonObject
            {
                ["kind"] = item.Kind,
                ["object"] = SchemaTree.Default(item.Kind, item.Resource),
                ["old"] = item.Old is { } old ? SchemaTree.Default(item.Kind, old) : null,
            })]),
        };
        foreach (var item in question["cases"]!.AsArray().Where(item => item!["old"] is null))
        {
            item!.AsObject().Remove("old");
        }

        var script = Path.Combine(SchemaTree.Repository(), "tests", "VisualPriors.Api.Tests", "Schemas", "evaluate-rules.mjs");
        using var node = Process.Start(new ProcessStartInfo("node", [script, Packages()])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = node.StandardOutput.ReadToEndAsync();
        var errors = node.StandardError.ReadToEndAsync();
        await node.StandardInput.WriteAsync(question.ToJsonString());
        node.StandardInput.Close();
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0 && (await errors).Length == 0, await errors);
        return [.. JsonNode.Parse(await output)!.AsArray().Select(refused => refused!.AsArray().Select(message => message!.GetValue<string>()).ToList())];
    }

    private static string Packages()
    {
        var folder = Environment.GetEnvironmentVariable("VP_PACKAGES") is { Length: > 0 } named
            ? named
            : Path.Combine(SchemaTree.Repository(), "artifacts", "packages", "node_modules");
        return Directory.Exists(Path.Combine(folder, "@marcbachmann", "cel-js"))
            ? folder
            : throw new InvalidOperationException($"{folder} lacks the npm package @marcbachmann/cel-js: deploy/setup.sh --tests installs it (test.sh runs that)");
    }
}
