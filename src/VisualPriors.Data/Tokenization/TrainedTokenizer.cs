using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace VisualPriors.Data.Tokenization;

/// <summary>What <see cref="BytePairTrainer"/> learned: tokens and merges of a byte-level BPE.</summary>
public sealed class TrainedTokenizer
{
    /// <summary>Id of the token of byte 0; before it stand the special tokens.</summary>
    internal const int FirstByte = 2;

    /// <summary>Id of the first learned token.</summary>
    internal const int FirstMerge = FirstByte + 256;

    private readonly IReadOnlyList<byte[]> _tokens;
    private readonly IReadOnlyList<(int Left, int Right)> _merges;

    internal TrainedTokenizer(IReadOnlyList<byte[]> tokens, IReadOnlyList<(int Left, int Right)> merges)
    {
        _tokens = tokens;
        _merges = merges;
    }

    /// <summary>Number of tokens, the special ones included.</summary>
    public int VocabularySize => _tokens.Count;

    /// <summary>The merges in the order they were learned, as ids.</summary>
    public IReadOnlyList<(int Left, int Right)> Merges => _merges;

    /// <summary>
    /// Writes a Hugging Face <c>tokenizer.json</c>: model BPE, Llama 3's split and the byte-level pre-tokenizer and decoder, both
    /// special tokens among the added tokens.
    /// </summary>
    public void Save(string path)
    {
        using var stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        WriteSpecial(json, 0);
        WriteSpecial(json, 1);
        json.WriteEndArray();
        json.WriteNull("normalizer");
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", PreTokenization.Llama3);
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
        json.WriteEndObject();
        WriteByteLevel(json);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteNull("post_processor");
        json.WritePropertyName("decoder");
        WriteByteLevel(json);
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", false);
        json.WriteStartObject("vocab");
        for (var id = 0; id < _tokens.Count; id++)
        {
            json.WriteNumber(Written(id), id);
        }

        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var (left, right) in _merges)
        {
            json.WriteStringValue($"{Written(left)} {Written(right)}");
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The tokens every vocabulary begins with.</summary>
    internal static IEnumerable<byte[]> FirstTokens()
    {
        yield return Encoding.ASCII.GetBytes(SpecialTokens.BeginOfText);
        yield return Encoding.ASCII.GetBytes(SpecialTokens.EndOfText);
        for (var value = 0; value < 256; value++)
        {
            yield return [(byte)value];
        }
    }

    private string Written(int id) => ByteAlphabet.Write(_tokens[id]);

    private void WriteSpecial(Utf8JsonWriter json, int id)
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WriteString("content", Written(id));
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", true);
        json.WriteEndObject();
    }

    private static void WriteByteLevel(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", false);
        json.WriteEndObject();
    }
}
