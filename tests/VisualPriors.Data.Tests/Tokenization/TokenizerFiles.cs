using System.Text;
using System.Text.Json.Nodes;
using VisualPriors.Data.Tests.Text;
using VisualPriors.Data.Tokenization;

namespace VisualPriors.Data.Tests.Tokenization;

/// <summary>Makes tokenizer files of every kind.</summary>
internal static class TokenizerFiles
{
    /// <summary>A trained tokenizer.json with some change made to it.</summary>
    public static string HuggingFace(TemporaryFolder folder, Action<JsonObject>? change = null, int vocabularySize = 400)
    {
        var path = folder.Path("tokenizer.json");
        BytePairTrainer.Train(SampleText.Documents(7, 20, 100), vocabularySize, CancellationToken.None).Save(path);
        if (change is not null)
        {
            var root = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            change(root);
            File.WriteAllText(path, root.ToJsonString());
        }

        return path;
    }

    /// <summary>A tiktoken file: the 256 bytes, then some tokens in the order of their merging.</summary>
    public static string Tiktoken(params string[] tokens)
    {
        var lines = Enumerable.Range(0, 256).Select(value => new[] { (byte)value }).Concat(tokens.Select(Encoding.UTF8.GetBytes));
        return string.Concat(lines.Select((bytes, id) => $"{Convert.ToBase64String(bytes)} {id}\n"));
    }

    /// <summary>A SentencePiece BPE model with byte fallback, as its protocol buffer says.</summary>
    public static byte[] SentencePiece(string begin = "<s>", params string[] pieces)
    {
        var model = new List<byte>();
        AddPiece(model, "<unk>", 0, type: 2);
        AddPiece(model, begin, 0, type: 3);
        AddPiece(model, "</s>", 0, type: 3);
        for (var value = 0; value < 256; value++)
        {
            AddPiece(model, $"<0x{value:X2}>", 0, type: 6);
        }

        for (var i = 0; i < pieces.Length; i++)
        {
            AddPiece(model, pieces[i], -i, type: 1);
        }

        var trainer = new List<byte>();
        AddVarint(trainer, field: 3, 2);   // model_type: BPE
        AddVarint(trainer, field: 35, 1);  // byte_fallback
        AddVarint(trainer, field: 40, 0);  // unk_id
        AddVarint(trainer, field: 41, 1);  // bos_id
        AddVarint(trainer, field: 42, 2);  // eos_id
        AddBytes(trainer, field: 45, "<unk>"u8);
        AddBytes(trainer, field: 46, Encoding.UTF8.GetBytes(begin));
        AddBytes(trainer, field: 47, "</s>"u8);
        AddBytes(model, field: 2, [.. trainer]);
        var normalizer = new List<byte>();
        AddBytes(normalizer, field: 1, "identity"u8);
        AddVarint(normalizer, field: 3, 1);  // add_dummy_prefix
        AddVarint(normalizer, field: 4, 0);  // remove_extra_whitespaces
        AddVarint(normalizer, field: 5, 1);  // escape_whitespaces
        AddBytes(model, field: 3, [.. normalizer]);
        return [.. model];
    }

    private static void AddPiece(List<byte> model, string text, float score, int type)
    {
        var piece = new List<byte>();
        AddBytes(piece, field: 1, Encoding.UTF8.GetBytes(text));
        piece.Add((2 << 3) | 5);
        piece.AddRange(BitConverter.GetBytes(score));
        AddVarint(piece, field: 3, type);
        AddBytes(model, field: 1, [.. piece]);
    }

    private static void AddVarint(List<byte> message, int field, int value)
    {
        Add7Bits(message, field << 3);
        Add7Bits(message, value);
    }

    private static void AddBytes(List<byte> message, int field, ReadOnlySpan<byte> bytes)
    {
        Add7Bits(message, (field << 3) | 2);
        Add7Bits(message, bytes.Length);
        message.AddRange(bytes);
    }

    private static void Add7Bits(List<byte> message, int value)
    {
        for (; value > 0x7F; value >>= 7)
        {
            message.Add((byte)(value | 0x80));
        }

        message.Add((byte)value);
    }
}
