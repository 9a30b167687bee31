using VisualPriors.Cluster.Tests.Infrastructure;

namespace VisualPriors.Cluster.Tests;

/// <summary>
/// Mistakes are refused by the field's name: by the API server where its schema (or, from 1.25 on, a CEL rule) can tell, otherwise in the Accepted
/// condition.
/// </summary>
[Collection(ClusterTests.Name)]
public sealed class RefusalTests(Installation installation)
{
    private const string Good = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: PretrainRun
        metadata: {name: mistaken}
        spec:
          suspend: true
          model: {preset: nano}
          data: {corpus: corpus, mixture: {code: 1}}
          training: {tokens: 1024, sequenceLength: 32, globalBatchSize: 8}
        """;

    private const string GoodAlign = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: AlignRun
        metadata: {name: mistaken}
        spec:
          suspend: true
          from: {kind: PretrainRun, name: decoder}
          visionEncoder: vision-encoder
          captions: captions
          visualTokens: 16
        """;

    private const string GoodPipeline = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: Pipeline
        metadata: {name: mistaken}
        spec:
          suspend: true
          stages:
            - name: decoder
              pretrain:
                model: {preset: nano}
                data: {corpus: corpus, mixture: {code: 1}}
                training: {tokens: 1024}
              gates: [{score: finalValidationLoss, maximum: 9}]
        """;

    public static TheoryData<string, string, string, string> Mistakes { get; } = new()
    {
        { Good, "tokens: 1024", "tokens: many", "tokens" },                               // a type
        { Good, "tokens: 1024", "tokens: -1", "tokens" },                                 // a range
        { Good, "  model: {preset: nano}\n", "", "model" },                               // a required field
        { Good, "preset: nano", "preset: giant", "preset" },                              // an enumeration
        { Good, "preset: nano", "preset: nano, dimensions: {layers: 2, hiddenSize: 64, heads: 4, feedForwardSize: 128, vocabularySize: 256}", "model" },
        { Good, "globalBatchSize: 8}", "globalBatchSize: 8}\n  compute: {nodes: 3}", "globalBatchSize" },
        { Good, "globalBatchSize: 8}", "globalBatchSize: 8}\n  compute: {gpusPerNode: 8, processesPerNode: 2}", "processesPerNode" },
        { Good, "mixture: {code: 1}", "mixture: {code: 0}", "mixture" },
        { Good, "corpus: corpus", "corpus: ../secrets", "corpus" },
        { Good, "globalBatchSize: 8}", "globalBatchSize: 8}\n  compute: {pod: {environment: {MASTER_ADDR: evil}}}", "environment" },
        { Good, "globalBatchSize: 8}", "globalBatchSize: 8}\n  compute: {pod: {memory: much}}", "memory" },
        { GoodAlign, "visualTokens: 16", "visualTokens: 15", "visualTokens" },
        { GoodAlign, "kind: PretrainRun, name", "kind: EvalRun, name", "from" },
        { GoodPipeline, "[{score: finalValidationLoss, maximum: 9}]", "[{score: finalValidationLoss}]", "gates" },
        { GoodPipeline, "- name: decoder", "- name: Not_A_Label", "name" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task A_mistake_is_refused_by_the_field_s_name(string good, string right, string wrong, string field)
    {
        var space = await installation.NamespaceAsync();
        Assert.Contains(right, good, StringComparison.Ordinal);
        var applied = await Kubectl.TryApplyAsync(space, good.Replace(right, wrong, StringComparison.Ordinal));
        if (applied.ExitCode == 0)
        {
            var said = "";
            await Kubectl.EventuallyAsync(async () =>
            {
                var found = (await Kubectl.ListAsync(space, "pretrainruns,alignruns,pipelines")).Single()!;
                var accepted = found["status"]?["conditions"]?.AsArray().FirstOrDefault(condition => (string)condition!["type"]! == "Accepted");
                said = (string?)accepted?["message"] ?? "";
                return (string?)accepted?["status"] == "False";
            });
            Assert.Contains(field, said, StringComparison.Ordinal);
        }
        else
        {
            Assert.Contains(field, applied.Error, StringComparison.Ordinal);
        }

        await Kubectl.RunAsync("delete", "namespace", space, "--wait=false");
    }

    [Fact]
    public async Task A_change_of_what_must_not_change_is_refused()
    {
        var space = await installation.NamespaceAsync();
        await Kubectl.ApplyAsync(space, Good);
        await Kubectl.WaitForPhaseAsync(space, "pretrainrun", "mistaken", "Suspended");
        var applied = await Kubectl.TryApplyAsync(space, Good.Replace("tokens: 1024", "tokens: 2048", StringComparison.Ordinal));
        if (applied.ExitCode == 0)
        {
            await Kubectl.EventuallyAsync(async () => (await Kubectl.GetAsync(space, "pretrainrun", "mistaken"))["status"]!["conditions"]!.AsArray()
                .Any(condition => (string)condition!["type"]! == "Accepted" && (string)condition["status"]! == "False" && (string)condition["reason"]! == "SpecImmutable"));
        }
        else
        {
            Assert.Contains("spec", applied.Error, StringComparison.Ordinal);
        }

        await Kubectl.RunAsync("delete", "namespace", space, "--wait=false");
    }
}
