namespace VisualPriors.Data.Tokenization;

/// <summary>Tokens that mark where documents begin and end; they are never made from text.</summary>
internal static class SpecialTokens
{
    /// <summary>Begin of text in tokenizers that we train (Llama 3's name).</summary>
    public const string BeginOfText = "<|begin_of_text|>";

    /// <summary>End of text in tokenizers that we train (Llama 3's name).</summary>
    public const string EndOfText = "<|end_of_text|>";

    /// <summary>Names under which other tokenizers have a begin of text, the likeliest first.</summary>
    public static readonly string[] BeginNames = [BeginOfText, "<s>", "<|startoftext|>", "<bos>", "<|endoftext|>"];

    /// <summary>Names under which other tokenizers have an end of text, the likeliest first. GPT-2's family has one token for both.</summary>
    public static readonly string[] EndNames = [EndOfText, "</s>", "<|endoftext|>", "<eos>"];
}
