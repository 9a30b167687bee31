namespace VisualPriors.Data.ImageText;

/// <summary>A conversation, with or without an image.</summary>
/// <param name="Id">Its id in the data set, for messages.</param>
/// <param name="ImagePath">Full path of its image; null when there is none.</param>
/// <param name="Turns">What is said, in order.</param>
public sealed record ImageTextSample(string Id, string? ImagePath, IReadOnlyList<ConversationTurn> Turns)
{
    /// <summary>Stands in a human turn where the image goes: LLaVA's convention.</summary>
    public const string ImagePlaceholder = "<image>";
}

/// <summary>One utterance.</summary>
/// <param name="FromHuman">Whether the human says it; else the model does.</param>
/// <param name="Text">What is said; may hold <see cref="ImageTextSample.ImagePlaceholder"/>.</param>
public sealed record ConversationTurn(bool FromHuman, string Text);
