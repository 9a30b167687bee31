using System.Text.Json;
using System.Text.Json.Nodes;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Api.Tests.Schemas;

/// <summary>The rules in CEL refuse what the rules in C# refuse, and nothing else.</summary>
public sealed class CelRulesTests
{
    private const string Pod = "spec.compute.pod";

    /// <summary>Kind, path, the bad value as JSON (none removes the field), part of CEL's message, the field that C# names.</summary>
    public static readonly TheoryData<string, string, string?, string, string> Bad = new()
    {
        { "PretrainRun", "spec.model.preset", "\"nano\"", "one of preset and dimensions", "spec.model" },
        { "PretrainRun", "spec.model", "{}", "one of preset and dimensions", "spec.model" },
        { "PretrainRun", "spec.model.dimensions.heads", "6", "heads must divide hiddenSize", "spec.model.dimensions.heads" },
        { "PretrainRun", "spec.model.dimensions.hiddenSize", "68", "heads of even width", "spec.model.dimensions.heads" },
        { "PretrainRun", "spec.model.dimensions.keyValueHeads", "3", "keyValueHeads must divide heads", "spec.model.dimensions.keyValueHeads" },
        { "PretrainRun", "spec.data.mixture", "{\"code\": 0}", "at least one source with a weight above 0", "spec.data.mixture" },
        { "PretrainRun", "spec.data.mixture.math", "0.1234567", "at most six decimals", "spec.data.mixture.math" },
        { "PretrainRun", "spec.data.mixture.math", "999999.9999999", "at most six decimals", "spec.data.mixture.math" },
        { "PretrainRun", "spec.training.microBatchSize", "3", "microBatchSize must be a divisor", "spec.training.microBatchSize" },
        { "PretrainRun", "spec.compute.processesPerNode", "3", "globalBatchSize must be a multiple", "spec.training.globalBatchSize" },
        { "PretrainRun", "spec.training.microBatchSize", "8", "globalBatchSize must be a multiple", "spec.training.globalBatchSize" },
        { "PretrainRun", "spec.training.optimizer.warmupSteps", "1", "one of warmupSteps and warmupRatio", "spec.training.optimizer" },
        { "PretrainRun", "spec.compute.gpusPerNode", "1", "processesPerNode must be left out", "spec.compute.processesPerNode" },
        { "AlignRun", "spec.visualTokens", "15", "a square number", "spec.visualTokens" },
        { "AlignRun", "spec.visualTokens", "4095", "a square number", "spec.visualTokens" },
        { "AlignRun", "spec.training.maximumLength", "16", "more than the visualTokens", "spec.training.maximumLength" },
        { "AlignRun", "spec.training.microBatchSize", "3", "microBatchSize must be a divisor", "spec.training.microBatchSize" },
        { "AlignRun", "spec.compute.nodes", "3", "globalBatchSize must be a multiple", "spec.training.globalBatchSize" },
        { "AlignRun", "spec.training.optimizer.warmupRatio", "0.1", "one of warmupSteps and warmupRatio", "spec.training.optimizer" },
        { "SftRun", "spec.compute.nodes", "3", "globalBatchSize must be a multiple", "spec.training.globalBatchSize" },
        { "EvalRun", "spec.compute.nodes", "2", "compute must come to one process", "spec.compute" },
        { "EvalRun", "spec.compute", "{\"processesPerNode\": 2}", "compute must come to one process", "spec.compute" },
        { "SftRun", $"{Pod}.labels.'visualpriors.dev/run'", "\"a\"", "labels must not begin with visualpriors.dev/", $"{Pod}.labels.visualpriors.dev/run" },
        { "SftRun", $"{Pod}.labels.'-team'", "\"a\"", "labels must have keys", $"{Pod}.labels.-team" },
        { "SftRun", $"{Pod}.annotations.'no space'", "\"a\"", "annotations must have keys", $"{Pod}.annotations.no space" },
        { "SftRun", $"{Pod}.nodeSelector.'a//b'", "\"a\"", "nodeSelector must have keys", $"{Pod}.nodeSelector.a//b" },
        { "SftRun", $"{Pod}.environment.'1A'", "\"a\"", "environment must have keys", $"{Pod}.environment.1A" },
        { "SftRun", $"{Pod}.environment.RANK", "\"0\"", "environment must not have", $"{Pod}.environment.RANK" },
        { "SftRun", $"{Pod}.environment.LOCAL_RANK", "\"0\"", "environment must not have", $"{Pod}.environment.LOCAL_RANK" },
        { "SftRun", $"{Pod}.environment.WORLD_SIZE", "\"0\"", "environment must not have", $"{Pod}.environment.WORLD_SIZE" },
        { "SftRun", $"{Pod}.environment.LOCAL_WORLD_SIZE", "\"0\"", "environment must not have", $"{Pod}.environment.LOCAL_WORLD_SIZE" },
        { "SftRun", $"{Pod}.environment.NODE_RANK", "\"0\"", "environment must not have", $"{Pod}.environment.NODE_RANK" },
        { "SftRun", $"{Pod}.environment.MASTER_ADDR", "\"0\"", "environment must not have", $"{Pod}.environment.MASTER_ADDR" },
        { "SftRun", $"{Pod}.environment.MASTER_PORT", "\"0\"", "environment must not have", $"{Pod}.environment.MASTER_PORT" },
        { "SftRun", $"{Pod}.environment.CUDA_VISIBLE_DEVICES", "\"0\"", "environment must not have", $"{Pod}.environment.CUDA_VISIBLE_DEVICES" },
        { "SftRun", $"{Pod}.environment.AZURE_CLIENT_ID", "\"a\"", "environment must not have", $"{Pod}.environment.AZURE_CLIENT_ID" },
        { "SftRun", $"{Pod}.environment.VISUALPRIORS_RUN", "\"a\"", "environment must not have", $"{Pod}.environment.VISUALPRIORS_RUN" },
        { "SftRun", $"{Pod}.tolerations[1].key", null, "key must be given", $"{Pod}.tolerations[1].key" },
        { "SftRun", $"{Pod}.tolerations[0].value", "\"a\"", "value must be left out", $"{Pod}.tolerations[0].value" },
        { "SftRun", $"{Pod}.tolerations[1].effect", "\"NoSchedule\"", "tolerationSeconds must be left out", $"{Pod}.tolerations[1].tolerationSeconds" },
        { "Pipeline", "spec.stages[0].eval", "{\"from\": {\"kind\": \"SftRun\", \"name\": \"tune\"}, \"suites\": [{\"suite\": \"mleBench\", \"data\": \"a\"}]}", "exactly one of", "spec.stages[0]" },
        { "Pipeline", "spec.stages[4].eval", null, "exactly one of", "spec.stages[4]" },
        { "Pipeline", "spec.stages[0].pretrain.ttlSecondsAfterFinished", "1", "ttlSecondsAfterFinished must be left out", "spec.stages[0].pretrain.ttlSecondsAfterFinished" },
        { "Pipeline", "spec.stages[1].align.ttlSecondsAfterFinished", "1", "ttlSecondsAfterFinished must be left out", "spec.stages[1].align.ttlSecondsAfterFinished" },
        { "Pipeline", "spec.stages[2].sft.ttlSecondsAfterFinished", "1", "ttlSecondsAfterFinished must be left out", "spec.stages[2].sft.ttlSecondsAfterFinished" },
        { "Pipeline", "spec.stages[4].eval.ttlSecondsAfterFinished", "1", "ttlSecondsAfterFinished must be left out", "spec.stages[4].eval.ttlSecondsAfterFinished" },
        { "Pipeline", "spec.stages[1].align.from.name", "\"tune\"", "from of every stage", "spec.stages[1].align.from.name" },
        { "Pipeline", "spec.stages[2].sft.from.name", "\"text\"", "from of every stage", "spec.stages[2].sft.from.name" },
        { "Pipeline", "spec.stages[3].sft.from.name", "\"see\"", "from of every stage", "spec.stages[3].sft.from.name" },
        { "Pipeline", "spec.stages[3].sft.from.name", "\"again\"", "from of every stage", "spec.stages[3].sft.from" },
        { "Pipeline", "spec.stages[4].eval.from.name", "\"score\"", "from of every stage", "spec.stages[4].eval.from.name" },
        { "Pipeline", "spec.stages[4].gates[0]", "{\"score\": \"overall\"}", "minimum, maximum or both", "spec.stages[4].gates[0]" },
        { "Pipeline", "spec.stages[4].gates[0].minimum", "2", "minimum of a gate must be at most", "spec.stages[4].gates[0]" },
        { "Pipeline", "metadata.name", "\"a-pipeline-with-a-name-of-just-fifty-characters-abc\"", "name of a stage", "spec.stages[0].name" },
        { "Pipeline", "spec.stages[1].align.visualTokens", "15", "a square number", "spec.stages[1].align.visualTokens" },
        { "Pipeline", "spec.stages[0].pretrain.compute", "{\"processesPerNode\": 3}", "globalBatchSize must be a multiple", "spec.stages[0].pretrain.training.globalBatchSize" },
        { "Pipeline", "spec.stages[0].pretrain.compute", "{\"gpusPerNode\": 2, \"processesPerNode\": 2}", "processesPerNode must be left out", "spec.stages[0].pretrain.compute.processesPerNode" },
    };

    /// <summary>Kind, path and the value changed to.</summary>
    public static readonly TheoryData<string, string, string> Changes = new()
    {
        { "PretrainRun", "spec.seed", "7" },
        { "PretrainRun", "spec.model", "{\"preset\": \"nano\"}" },
        { "PretrainRun", "spec.data.mixture.code", "36" },
        { "PretrainRun", "spec.training.tokens", "1001" },
        { "PretrainRun", "spec.checkpoint.keepLast", "3" },
        { "PretrainRun", "spec.compute.pod.cpu", "\"9\"" },
        { "AlignRun", "spec.seed", "7" },
        { "AlignRun", "spec.from.name", "\"other\"" },
        { "AlignRun", "spec.visionEncoder", "\"other\"" },
        { "AlignRun", "spec.captions", "\"other\"" },
        { "AlignRun", "spec.visualTokens", "4" },
        { "AlignRun", "spec.training.epochs", "2" },
        { "AlignRun", "spec.checkpoint.everySteps", "3" },
        { "AlignRun", "spec.compute.threads", "3" },
        { "SftRun", "spec.seed", "7" },
        { "SftRun", "spec.from.kind", "\"SftRun\"" },
        { "SftRun", "spec.instructions", "\"other\"" },
        { "SftRun", "spec.blind", "true" },
        { "SftRun", "spec.training.epochs", "2" },
        { "SftRun", "spec.checkpoint.everySteps", "3" },
        { "SftRun", "spec.compute.threads", "3" },
        { "EvalRun", "spec.seed", "7" },
        { "EvalRun", "spec.from.name", "\"other\"" },
        { "EvalRun", "spec.suites[0].blind", "true" },
        { "EvalRun", "spec.compute.threads", "3" },
        { "Pipeline", "spec.stages[2].sft.training.epochs", "2" },
    };

    [Fact]
    public async Task Good_resources_are_accepted_by_both()
    {
        foreach (var (kind, _) in Examples.All)
        {
            Assert.Empty(Fields(kind, Examples.Of(kind)));
        }

        Assert.All(await CelRules.RefusalsAsync([.. Examples.All.Keys.Select(kind => new CelRules.Case(kind, Examples.Of(kind)))]), Assert.Empty);
    }

    [Fact]
    public async Task Bad_resources_are_refused_by_both_naming_the_field()
    {
        var refusals = await CelRules.RefusalsAsync([.. Rows(Bad).Select(row => new CelRules.Case((string)row[0]!, Bent(row)))]);

        foreach (var (row, refused) in Rows(Bad).Zip(refusals))
        {
            Assert.True(refused.Any(message => message.Contains((string)row[3]!, StringComparison.Ordinal)), $"CEL, {row[1]} = {row[2]}: {string.Join("; ", refused)}");
            var fields = Fields((string)row[0]!, Bent(row));
            Assert.True(fields.Contains((string)row[4]!), $"C#, {row[1]} = {row[2]}: {string.Join("; ", fields)}");
        }
    }

    [Fact]
    public async Task What_is_computed_cannot_change()
    {
        var refusals = await CelRules.RefusalsAsync(
            [.. Rows(Changes).Select(row => new CelRules.Case((string)row[0]!, Bent(row), Examples.Of((string)row[0]!)))]);

        foreach (var (row, refused) in Rows(Changes).Zip(refusals))
        {
            var field = ((string)row[1]!).Split('.', '[')[1];
            Assert.Equal([$"{field} cannot change once the resource exists: make one of another name"], refused);
        }
    }

    [Theory]
    [InlineData("spec.suspend", "true")]
    [InlineData("spec.ttlSecondsAfterFinished", "5")]
    [InlineData("spec.failurePolicy.maximumRestarts", "5")]
    [InlineData("metadata.labels", "{\"a\": \"b\"}")]
    public async Task What_is_done_about_it_can_change(string path, string value)
    {
        string[] kinds = [.. Examples.All.Keys.Where(kind => kind != Pipeline.Kind || !path.Contains("failurePolicy", StringComparison.Ordinal))];

        Assert.All(
            await CelRules.RefusalsAsync([.. kinds.Select(kind => new CelRules.Case(kind, Examples.With(kind, path, value), Examples.Of(kind)))]), Assert.Empty);
    }

    /// <summary>A rule that refuses none of the bad examples may as well accept everything.</summary>
    [Fact]
    public async Task Every_rule_refuses_something()
    {
        var refusals = await CelRules.RefusalsAsync(
        [
            .. Rows(Bad).Select(row => new CelRules.Case((string)row[0]!, Bent(row))),
            .. Rows(Changes).Select(row => new CelRules.Case((string)row[0]!, Bent(row), Examples.Of((string)row[0]!))),
        ]);
        var seen = refusals.SelectMany(refused => refused).ToHashSet();

        foreach (var kind in CustomResource.All.Select(resource => resource.Kind))
        {
            // The types of common parts are the same in every kind: one kind's example is enough for those.
            Assert.All(Rules(SchemaTree.Of(kind)), message => Assert.Contains(message, seen));
        }
    }

    private static IEnumerable<string> Rules(JsonObject schema)
    {
        List<JsonObject> parts = [schema, .. SchemaTree.Fields(schema).Select(field => field.Schema), .. SchemaTree.Fields(schema).Select(field => field.Schema["items"]).OfType<JsonObject>()];
        return parts.SelectMany(part => part["x-kubernetes-validations"] as JsonArray ?? []).Select(rule => rule!["message"]!.GetValue<string>()).Distinct();
    }

    private static IEnumerable<object?[]> Rows(IEnumerable<object?[]> data) => data;

    private static JsonObject Bent(object?[] row) => Examples.With((string)row[0]!, (string)row[1]!, (string?)row[2]);

    /// <summary>The fields that C# refuses.</summary>
    private static List<string> Fields(string kind, JsonObject resource)
    {
        var metadata = new ObjectMeta { Name = resource["metadata"]!["name"]!.GetValue<string>() };
        var spec = JsonSerializer.SerializeToElement(resource["spec"]);
        try
        {
            _ = kind == Pipeline.Kind ? (object)ResourceReader.ReadPipeline(metadata, spec) : ResourceReader.ReadRun(kind, metadata, spec);
            return [];
        }
        catch (InvalidInputException e)
        {
            return [.. e.Errors.Select(error => error.Field!)];
        }
    }
}
