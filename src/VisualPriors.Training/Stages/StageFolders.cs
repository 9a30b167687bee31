namespace VisualPriors.Training.Stages;

/// <summary>Folders and files inside the artifacts of stages.</summary>
public static class StageFolders
{
    /// <summary>A decoder as a Hugging Face folder, its tokenizer beside it.</summary>
    public const string LanguageModel = "language-model";

    /// <summary>A projector.</summary>
    public const string Projector = "projector";

    /// <summary>The tokenizer in a <see cref="LanguageModel"/> folder.</summary>
    public const string TokenizerFile = "tokenizer.json";
}
