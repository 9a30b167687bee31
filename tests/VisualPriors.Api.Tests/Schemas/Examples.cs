using System.Text.Json.Nodes;

namespace VisualPriors.Api.Tests.Schemas;

/// <summary>Good resources of every kind, with every field that a rule looks at.</summary>
internal static class Examples
{
    private const string Pod = """
        {
          "image": "registry/trainer:1", "cpu": "8", "memory": "1.5Gi", "sharedMemory": "64Mi", "scratch": "1Ti",
          "labels": {"example.com/team": "vision"}, "annotations": {"note": "any text: at all"}, "nodeSelector": {"visualpriors.dev/test-node": "0"},
          "environment": {"NCCL_DEBUG": "INFO"}, "serviceAccountName": "trainer", "priorityClassName": "high", "schedulerName": "other.scheduler",
          "tolerations": [{"operator": "Exists"}, {"key": "gpu", "value": "a", "effect": "NoExecute", "tolerationSeconds": 60}]
        }
        """;

    private const string Compute = $$"""{"nodes": 2, "processesPerNode": 2, "pod": {{Pod}}}""";

    /// <summary>Every kind's resource.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["PretrainRun"] = $$$"""
            {"metadata": {"name": "decoder"}, "spec": {
              "model": {"dimensions": {"layers": 1, "hiddenSize": 64, "heads": 4, "keyValueHeads": 2, "feedForwardSize": 64}},
              "data": {"corpus": "corpus", "mixture": {"web-crawl": 40, "code": 35.5, "math": 0.123456, "none": 0}},
              "training": {"tokens": 1000, "globalBatchSize": 16, "microBatchSize": 2, "optimizer": {"warmupRatio": 0.1, "warmupSteps": 0}},
              "compute": {{{Compute}}}, "ttlSecondsAfterFinished": 60}}
            """,
        ["AlignRun"] = $$$"""
            {"metadata": {"name": "aligned"}, "spec": {
              "from": {"kind": "PretrainRun", "name": "decoder"}, "visionEncoder": "vision-encoder", "captions": "captions", "visualTokens": 16,
              "training": {"globalBatchSize": 16, "microBatchSize": 4, "maximumLength": 17, "optimizer": {"warmupSteps": 5}}, "compute": {{{Compute}}} } }
            """,
        ["SftRun"] = $$$"""
            {"metadata": {"name": "tuned"}, "spec": {
              "from": {"kind": "AlignRun", "name": "aligned"}, "instructions": "instructions",
              "training": {"globalBatchSize": 16, "microBatchSize": 4}, "compute": {{{Compute}}} } }
            """,
        ["EvalRun"] = $$$"""
            {"metadata": {"name": "scored"}, "spec": {
              "from": {"kind": "SftRun", "name": "tuned"}, "suites": [{"suite": "mleBench", "data": "mle-bench"}], "compute": {"gpusPerNode": 1, "pod": {{{Pod}}} } } }
            """,
        ["Pipeline"] = """
            {"metadata": {"name": "chain"}, "spec": {"stages": [
              {"name": "text", "pretrain": {
                "model": {"preset": "nano"}, "data": {"corpus": "corpus", "mixture": {"code": 1}}, "training": {"tokens": 1000}},
                "gates": [{"score": "finalLoss", "maximum": 9}]},
              {"name": "see", "align": {"from": {"kind": "PretrainRun", "name": "text"}, "visionEncoder": "vision-encoder", "captions": "captions"}},
              {"name": "tune", "sft": {"from": {"kind": "AlignRun", "name": "see"}, "instructions": "instructions"}},
              {"name": "again", "sft": {"from": {"kind": "SftRun", "name": "tune"}, "instructions": "instructions"}},
              {"name": "score", "eval": {"from": {"kind": "SftRun", "name": "again"}, "suites": [{"suite": "mleBench", "data": "mle-bench"}]},
                "gates": [{"score": "overall", "minimum": 0.25, "maximum": 1}]}], "ttlSecondsAfterFinished": 60}}
            """,
    };

    /// <summary>A kind's resource.</summary>
    public static JsonObject Of(string kind) => JsonNode.Parse(All[kind])!.AsObject();

    /// <summary>A kind's resource with a field at a path such as <c>spec.stages[1].name</c> set to a value of JSON; none removes it.</summary>
    public static JsonObject With(string kind, string path, string? json)
    {
        var resource = Of(kind);
        var parts = path.Replace("[", ".[", StringComparison.Ordinal).Split('.');
        // A last part in quotes is a name with dots in it.
        if (path.EndsWith('\''))
        {
            var start = path.IndexOf('\'', StringComparison.Ordinal);
            parts = [.. path[..(start - 1)].Replace("[", ".[", StringComparison.Ordinal).Split('.'), path[(start + 1)..^1]];
        }

        JsonNode node = resource;
        foreach (var part in parts[..^1])
        {
            node = part[0] == '[' ? node[int.Parse(part[1..^1], System.Globalization.CultureInfo.InvariantCulture)]!
                : node[part] ?? (node.AsObject()[part] = new JsonObject())!;
        }

        if (parts[^1][0] == '[')
        {
            node[int.Parse(parts[^1][1..^1], System.Globalization.CultureInfo.InvariantCulture)] = JsonNode.Parse(json!);
        }
        else if (json is null)
        {
            node.AsObject().Remove(parts[^1]);
        }
        else
        {
            node[parts[^1]] = JsonNode.Parse(json);
        }

        return resource;
    }
}
