using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Tokenization;

/// <summary>
/// Reads Hugging Face's <c>tokenizer.json</c> with a byte-level BPE (GPT-2's, Llama 3's and our own kind). Whatever in it would change
/// the tokens and is not supported is an error, never ignored.
/// </summary>
internal sealed class HuggingFaceTokenizerFile
{
    /// <summary>Longest a pattern from the file may look at one piece of text: patterns can be made to take forever.</summary>
    private static readonly TimeSpan PatternTimeout = TimeSpan.FromSeconds(10);

    private readonly string _path;
    private readonly JsonElement _root;

    private HuggingFaceTokenizerFile(string path, JsonElement root)
    {
        _path = path;
        _root = root;
    }

    /// <summary>Parses a file's content.</summary>
    public static TextTokenizer Read(string path, byte[] content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return new HuggingFaceTokenizerFile(path, document.RootElement).Build();
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, null, e.Message, "valid JSON", (int?)(e.LineNumber + 1));
        }
        catch (InvalidOperationException e)
        {
            // The reader decodes texts when they are asked for, and says so in this way.
            throw new InvalidInputException(path, null, e.Message, "JSON in UTF-8");
        }
    }

    private TextTokenizer Build()
    {
        var model = Member(_root, "model", "model", JsonValueKind.Object);
        if (Optional(model, "type", "model.type", JsonValueKind.String)?.GetString() is { } type && type != "BPE")
        {
            throw Error("model.type", $"\"{type}\"", "\"BPE\"");
        }

        RefuseUnlessPlain(_root, "normalizer", "normalizer");
        RefuseUnlessPlain(model, "unk_token", "model.unk_token");
        RefuseUnlessPlain(model, "dropout", "model.dropout");
        RefuseUnlessPlain(model, "continuing_subword_prefix", "model.continuing_subword_prefix");
        RefuseUnlessPlain(model, "end_of_word_suffix", "model.end_of_word_suffix");
        if (Flag(model, "byte_fallback", "model.byte_fallback", whenAbsent: false))
        {
            throw Error("model.byte_fallback", "true", "a byte-level BPE (give a SentencePiece tokenizer's .model file instead)");
        }

        var vocabulary = ReadVocabulary(model);
        var merges = ReadMerges(model, vocabulary);
        var added = ReadAddedTokens(vocabulary);
        var special = added.Where(token => token.Special).ToDictionary(token => token.Text, token => token.Id, StringComparer.Ordinal);
        var plainAdded = added.Where(token => !token.Special).ToDictionary(token => token.Text, token => token.Id, StringComparer.Ordinal);
        var begin = Find(SpecialTokens.BeginNames, "begin of text", special, vocabulary);
        var end = Find(SpecialTokens.EndNames, "end of text", special, vocabulary);
        var size = Math.Max(vocabulary.Values.Max(), added.Select(token => token.Id).DefaultIfEmpty().Max()) + 1;
        var splitter = ReadPreTokenizer(plainAdded);
        Tokenizer tokenizer = Flag(model, "ignore_merges", "model.ignore_merges", whenAbsent: false)
            ? ByRank(vocabulary, merges, special.Keys, splitter, plainAdded)
            : ByMerges(vocabulary, merges, splitter, plainAdded);
        return new TextTokenizer(tokenizer, size, begin, end, special.Values);
    }

    private static BpeTokenizer ByMerges(
        Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges, PreTokenizer splitter, Dictionary<string, int> added)
    {
        return BpeTokenizer.Create(new BpeOptions(vocabulary)
        {
            Merges = merges.Select(merge => $"{merge.Left} {merge.Right}"),
            ByteLevel = true,
            PreTokenizer = splitter,
            SpecialTokens = added.Count > 0 ? added : null,
        });
    }

    /// <summary>
    /// With <c>ignore_merges</c> (Llama 3) a word that is itself a token is not built from merges: tiktoken's rule, which goes by the
    /// ids' order and so gives the same tokens when the merges stand in that order.
    /// </summary>
    private TiktokenTokenizer ByRank(
        Dictionary<string, int> vocabulary,
        List<(string Left, string Right)> merges,
        IEnumerable<string> special,
        PreTokenizer splitter,
        Dictionary<string, int> added)
    {
        var last = -1;
        for (var i = 0; i < merges.Count; i++)
        {
            var id = vocabulary[merges[i].Left + merges[i].Right];
            if (id < last)
            {
                throw Error($"model.merges[{i}]", $"a merge to id {id} after one to id {last}", "merges in the order of their ids, with ignore_merges");
            }

            last = id;
        }

        var names = special.ToHashSet(StringComparer.Ordinal);
        var tokens = from entry in vocabulary
                     where !names.Contains(entry.Key)
                     let bytes = ByteAlphabet.TryRead(entry.Key)
                     where bytes is { Length: > 0 }
                     select (bytes, entry.Value);
        return TiktokenFile.Tokenizer(tokens, splitter, added.Count > 0 ? added : null);
    }

    private Dictionary<string, int> ReadVocabulary(JsonElement model)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var ids = new HashSet<int>();
        foreach (var entry in Member(model, "vocab", "model.vocab", JsonValueKind.Object).EnumerateObject())
        {
            var field = $"model.vocab[\"{entry.Name}\"]";
            var id = Id(entry.Value, field);
            if (!vocabulary.TryAdd(entry.Name, id))
            {
                throw Error(field, "the token twice", "every token once");
            }

            if (!ids.Add(id))
            {
                throw Error(field, $"id {id}, which another token has", "every id once");
            }
        }

        for (var value = 0; value < 256; value++)
        {
            if (!vocabulary.ContainsKey(ByteAlphabet.Character((byte)value).ToString()))
            {
                throw Error("model.vocab", $"no token for byte 0x{value:X2}", "a token for each of the 256 bytes (a byte-level BPE)");
            }
        }

        return vocabulary;
    }

    private List<(string Left, string Right)> ReadMerges(JsonElement model, Dictionary<string, int> vocabulary)
    {
        var merges = new List<(string Left, string Right)>();
        var seen = new HashSet<(string Left, string Right)>();
        foreach (var entry in Member(model, "merges", "model.merges", JsonValueKind.Array).EnumerateArray())
        {
            var field = $"model.merges[{merges.Count}]";
            var parts = entry.ValueKind switch
            {
                JsonValueKind.String => entry.GetString()!.Split(' '),
                JsonValueKind.Array when entry.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String) =>
                    [.. entry.EnumerateArray().Select(part => part.GetString()!)],
                _ => [],
            };
            if (parts.Length != 2 || parts[0].Length == 0 || parts[1].Length == 0)
            {
                throw Error(field, Describe(entry), "two tokens, as \"a b\" or [\"a\", \"b\"]");
            }

            if (new[] { parts[0], parts[1], parts[0] + parts[1] }.FirstOrDefault(part => !vocabulary.ContainsKey(part)) is { } unknown)
            {
                throw Error(field, $"\"{Shorten(unknown)}\", which is not in the vocabulary", "tokens of model.vocab");
            }

            if (!seen.Add((parts[0], parts[1])))
            {
                throw Error(field, $"{Describe(entry)}, which is listed before", "every merge once");
            }

            merges.Add((parts[0], parts[1]));
        }

        return merges;
    }

    private List<(string Text, int Id, bool Special)> ReadAddedTokens(Dictionary<string, int> vocabulary)
    {
        var added = new List<(string Text, int Id, bool Special)>();
        if (Optional(_root, "added_tokens", "added_tokens", JsonValueKind.Array) is not { } entries)
        {
            return added;
        }

        var tokenById = vocabulary.ToDictionary(entry => entry.Value, entry => entry.Key);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries.EnumerateArray())
        {
            var field = $"added_tokens[{added.Count}]";
            if (entry.ValueKind != JsonValueKind.Object)
            {
                throw Error(field, Describe(entry), "an object with id and content");
            }

            var text = Member(entry, "content", $"{field}.content", JsonValueKind.String).GetString()!;
            var id = Id(Member(entry, "id", $"{field}.id", JsonValueKind.Number), $"{field}.id");
            if (text.Length == 0 || !seen.Add(text))
            {
                throw Error($"{field}.content", text.Length == 0 ? "an empty token" : $"\"{Shorten(text)}\" twice", "every added token once");
            }

            if ((tokenById.TryGetValue(id, out var holder) && holder != text) || (vocabulary.TryGetValue(text, out var listed) && listed != id))
            {
                throw Error($"{field}.id", $"id {id}, at odds with the vocabulary or another added token", "every id once");
            }

            tokenById[id] = text;
            added.Add((text, id, Flag(entry, "special", $"{field}.special", whenAbsent: false)));
        }

        return added;
    }

    private PreTokenizer ReadPreTokenizer(Dictionary<string, int> added)
    {
        if (Optional(_root, "pre_tokenizer", "pre_tokenizer", JsonValueKind.Object) is not { } element)
        {
            throw Error("pre_tokenizer", "none", "ByteLevel, or a sequence of Split and ByteLevel");
        }

        var patterns = new List<Regex>();
        var isByteLevel = false;
        if (Member(element, "type", "pre_tokenizer.type", JsonValueKind.String).GetString() == "Sequence")
        {
            var index = 0;
            foreach (var part in Member(element, "pretokenizers", "pre_tokenizer.pretokenizers", JsonValueKind.Array).EnumerateArray())
            {
                isByteLevel |= ReadSplitter(part, $"pre_tokenizer.pretokenizers[{index++}]", patterns);
            }
        }
        else
        {
            isByteLevel = ReadSplitter(element, "pre_tokenizer", patterns);
        }

        if (!isByteLevel || patterns.Count == 0)
        {
            throw Error("pre_tokenizer", isByteLevel ? "ByteLevel without a pattern" : "no ByteLevel", "a byte-level BPE with a pattern that splits text");
        }

        var splitters = patterns.Select(pattern => new RegexPreTokenizer(pattern, added.Count > 0 ? added : null)).ToArray<PreTokenizer>();
        return splitters is [var only] ? only : new CompositePreTokenizer(splitters, added.Count > 0 ? added : null);
    }

    /// <summary>Reads one pre-tokenizer; says whether it is the byte-level one.</summary>
    private bool ReadSplitter(JsonElement element, string field, List<Regex> patterns)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Error(field, Describe(element), "a pre-tokenizer");
        }

        var type = Member(element, "type", $"{field}.type", JsonValueKind.String).GetString();
        switch (type)
        {
            case "ByteLevel":
                if (Flag(element, "add_prefix_space", $"{field}.add_prefix_space", whenAbsent: true))
                {
                    throw Error($"{field}.add_prefix_space", "true", "false");
                }

                if (Flag(element, "use_regex", $"{field}.use_regex", whenAbsent: true))
                {
                    patterns.Add(PreTokenization.Gpt2Regex());
                }

                return true;
            case "Split":
                if (Member(element, "behavior", $"{field}.behavior", JsonValueKind.String).GetString() is not "Isolated" and var behavior)
                {
                    throw Error($"{field}.behavior", $"\"{behavior}\"", "\"Isolated\"");
                }

                if (Flag(element, "invert", $"{field}.invert", whenAbsent: false))
                {
                    throw Error($"{field}.invert", "true", "false");
                }

                patterns.Add(ReadPattern(Member(element, "pattern", $"{field}.pattern", JsonValueKind.Object), $"{field}.pattern"));
                return false;
            default:
                throw Error($"{field}.type", $"\"{type}\"", "\"ByteLevel\", \"Split\" or a \"Sequence\" of them");
        }
    }

    private Regex ReadPattern(JsonElement element, string field)
    {
        var literal = Optional(element, "String", $"{field}.String", JsonValueKind.String)?.GetString();
        var pattern = literal is not null ? Regex.Escape(literal) : Member(element, "Regex", $"{field}.Regex", JsonValueKind.String).GetString()!;
        if (pattern == PreTokenization.Llama3)
        {
            return PreTokenization.Llama3Regex();
        }

        try
        {
            return new Regex(pattern, RegexOptions.Compiled, PatternTimeout);
        }
        catch (ArgumentException e)
        {
            throw Error(field, e.Message, "a regular expression");
        }
    }

    private int Find(string[] names, string what, Dictionary<string, int> special, Dictionary<string, int> vocabulary)
    {
        foreach (var name in names)
        {
            if (special.TryGetValue(name, out var id) || vocabulary.TryGetValue(name, out id))
            {
                return id;
            }
        }

        throw Error("added_tokens", $"no {what}", string.Join(" or ", names));
    }

    private void RefuseUnlessPlain(JsonElement parent, string name, string field)
    {
        if (parent.TryGetProperty(name, out var value)
            && value.ValueKind != JsonValueKind.Null
            && !(value.ValueKind == JsonValueKind.String && value.GetString()!.Length == 0))
        {
            throw Error(field, Describe(value), "none (not supported)");
        }
    }

    private int Id(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) && id is >= 0 and < TextTokenizer.MaximumVocabularySize
            ? id
            : throw Error(field, Describe(value), $"an id from 0 to {TextTokenizer.MaximumVocabularySize - 1}");

    private bool Flag(JsonElement parent, string name, string field, bool whenAbsent)
    {
        if (!parent.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return whenAbsent;
        }

        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw Error(field, Describe(value), "true or false");
    }

    private JsonElement Member(JsonElement parent, string name, string field, JsonValueKind kind) =>
        Optional(parent, name, field, kind) ?? throw Error(field, "nothing", $"{Describe(kind)}");

    private JsonElement? Optional(JsonElement parent, string name, string field, JsonValueKind kind)
    {
        if (!parent.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == kind ? value : throw Error(field, Describe(value), Describe(kind));
    }

    private static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.Number => "a number",
        _ => "a text",
    };

    private static string Describe(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? $"\"{Shorten(value.GetString()!)}\"" : Shorten(value.GetRawText());

    private static string Shorten(string text) => text.Length > 60 ? text[..60] + "…" : text;

    private InvalidInputException Error(string field, string found, string expected) => new(_path, field, found, expected);
}
