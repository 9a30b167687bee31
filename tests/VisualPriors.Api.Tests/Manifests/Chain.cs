namespace VisualPriors.Api.Tests.Manifests;

/// <summary>Manifests to start tests from.</summary>
internal static class Chain
{
    public const string Pretrain = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: PretrainRun
        metadata:
          name: decoder
        spec:
          model:
            preset: nano
          data:
            corpus: corpus
            mixture:
              web-crawl: 40
              code: 35.5
          training:
            tokens: 3_000_000
            sequenceLength: 256
            globalBatchSize: 16

        """;

    public const string Align = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: AlignRun
        metadata:
          name: aligned
        spec:
          from: {kind: PretrainRun, name: decoder}
          visionEncoder: vision-encoder
          captions: captions
          visualTokens: 16

        """;

    public const string Sft = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: SftRun
        metadata:
          name: tuned
        spec:
          from: {kind: AlignRun, name: aligned}
          instructions: instructions

        """;

    public const string SecondSft = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: SftRun
        metadata:
          name: tuned-again
        spec:
          from: {kind: SftRun, name: tuned}
          instructions: instructions

        """;

    public const string Eval = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: EvalRun
        metadata:
          name: scored
        spec:
          from: {kind: SftRun, name: tuned}
          suites:
            - suite: mleBench
              data: mle-bench
              blind: true

        """;

    public static string Of(params string[] documents) => string.Join("---\n", documents);
}
