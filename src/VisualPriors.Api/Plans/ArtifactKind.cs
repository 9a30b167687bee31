namespace VisualPriors.Api.Plans;

/// <summary>Kinds of artifact: what a folder on disk holds.</summary>
public static class ArtifactKind
{
    /// <summary>A tokenizer.</summary>
    public const string Tokenizer = "tokenizer";

    /// <summary>Tokenized text by source.</summary>
    public const string TextCorpus = "text-corpus";

    /// <summary>Decoded drawings by house.</summary>
    public const string Drawings = "drawings";

    /// <summary>A vision encoder checkpoint.</summary>
    public const string VisionEncoder = "vision-encoder";

    /// <summary>Images with conversations: captions or instructions.</summary>
    public const string ImageText = "image-text";

    /// <summary>Multi-Level Existence questions.</summary>
    public const string MleBench = "mle-bench";

    /// <summary>What a pre-training stage gives.</summary>
    public const string Pretrain = "pretrain";

    /// <summary>What an alignment stage gives.</summary>
    public const string Align = "align";

    /// <summary>What a fine-tuning stage gives.</summary>
    public const string Sft = "sft";

    /// <summary>What an evaluation stage gives.</summary>
    public const string Eval = "eval";

    /// <summary>The kind of artifact that a computation gives.</summary>
    public static string Of(StageComputation computation) => computation switch
    {
        PretrainComputation => Pretrain,
        AlignComputation => Align,
        SftComputation => Sft,
        EvalComputation => Eval,
        _ => throw new ArgumentException($"no artifact kind for {computation.GetType().Name}", nameof(computation)),
    };
}
