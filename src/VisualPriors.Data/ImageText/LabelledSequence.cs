namespace VisualPriors.Data.ImageText;

/// <summary>Tokens and what is learned from them; both of one length.</summary>
/// <param name="Tokens">Ids; <see cref="ImageToken"/> once for every visual token.</param>
/// <param name="Labels">
/// The token itself where the model learns to say it, else <see cref="Ignored"/>. Entry i supervises token i: the shift by one is the
/// loss's business.
/// </param>
public sealed record LabelledSequence(int[] Tokens, int[] Labels)
{
    /// <summary>Stands for one visual token: the projector's output takes its place. LLaVA's number.</summary>
    public const int ImageToken = -200;

    /// <summary>Label of a token that nothing is learned from: what cross-entropy passes over.</summary>
    public const int Ignored = -100;
}
