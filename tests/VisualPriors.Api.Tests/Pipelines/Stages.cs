namespace VisualPriors.Api.Tests.Pipelines;

/// <summary>A pipeline to start tests from.</summary>
internal static class Stages
{
    /// <summary>Its spec; the stages are not in the order they run.</summary>
    public const string Json = """
        {
          "stages": [
            {"name": "text", "pretrain": {"model": {"preset": "nano"}, "data": {"corpus": "corpus", "mixture": {"code": 1}}, "training": {"tokens": 1000}}},
            {"name": "see", "align": {"from": {"kind": "PretrainRun", "name": "text"}, "visionEncoder": "vision-encoder", "captions": "captions"}},
            {"name": "tune", "sft": {"from": {"kind": "AlignRun", "name": "see"}, "instructions": "instructions"}},
            {
              "name": "score",
              "eval": {"from": {"kind": "SftRun", "name": "tune"}, "suites": [{"suite": "mleBench", "data": "mle-bench"}]},
              "gates": [{"score": "overall", "minimum": 0.25, "maximum": 1}]
            }
          ]
        }
        """;

    /// <summary>The same in a manifest.</summary>
    public const string Yaml = """
        apiVersion: visualpriors.dev/v1alpha1
        kind: Pipeline
        metadata:
          name: chain
        spec:
          stages:
            - name: see
              align:
                from: {kind: PretrainRun, name: text}
                visionEncoder: vision-encoder
                captions: captions
            - name: text
              pretrain:
                model: {preset: nano}
                data: {corpus: corpus, mixture: {code: 1}}
                training: {tokens: 1000}
              gates:
                - score: finalLoss
                  maximum: 9

        """;
}
