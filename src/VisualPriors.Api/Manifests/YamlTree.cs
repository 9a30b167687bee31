using System.Text;
using VisualPriors.Api.Errors;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace VisualPriors.Api.Manifests;

/// <summary>A YAML value and the line it begins at (counted from 1).</summary>
internal abstract record YamlNode(int Line);

/// <summary>A scalar; <paramref name="IsPlain"/> when it stands without quotes, so that it may be a number, a boolean or null.</summary>
internal sealed record YamlScalar(int Line, string Value, bool IsPlain) : YamlNode(Line);

internal sealed record YamlSequence(int Line, IReadOnlyList<YamlNode> Items) : YamlNode(Line);

/// <summary>A mapping in the file's order; keys may repeat (whoever walks it says where).</summary>
internal sealed record YamlMapping(int Line, IReadOnlyList<KeyValuePair<YamlScalar, YamlNode>> Entries) : YamlNode(Line);

/// <summary>
/// Reads a multi-document YAML file into plain nodes with lines. Only what a manifest needs: anchors, aliases, tags and keys that are
/// not scalars are refused, so that a small file cannot unfold into a large tree; size and depth are bounded.
/// </summary>
internal static class YamlTree
{
    /// <summary>Largest manifest read: hundreds of runs fit.</summary>
    public const int MaximumBytes = 1 << 20;

    /// <summary>Deepest nesting; the resources need six levels.</summary>
    public const int MaximumDepth = 32;

    /// <summary>The file's documents, empty ones left out.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read or is no YAML of this subset.</exception>
    public static IReadOnlyList<YamlNode> Read(string file)
    {
        var text = ReadText(file);
        var documents = new List<YamlNode>();
        var parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        try
        {
            while (parser.MoveNext())
            {
                if (parser.Current is DocumentStart)
                {
                    parser.MoveNext();
                    var node = ReadNode(file, parser, depth: 0);
                    if (node is not YamlScalar { IsPlain: true, Value: "" })
                    {
                        documents.Add(node);
                    }
                }
            }
        }
        catch (Exception e) when (e is YamlException or InvalidOperationException)
        {
            // YamlDotNet's parser answers some malformed flow mappings with an InvalidOperationException.
            var line = LineOf((e as YamlException)?.Start ?? parser.Current?.Start ?? Mark.Empty);
            throw new InvalidInputException(file, null, $"YAML that does not parse ({e.Message})", "well-formed YAML", line);
        }

        return documents;
    }

    private static string ReadText(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            if (stream.Length > MaximumBytes)
            {
                throw new InvalidInputException(file, null, $"{stream.Length} bytes", $"a manifest of at most {MaximumBytes} bytes");
            }

            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidInputException(file, null, $"bytes that are no UTF-8 at offset {e.Index}", "UTF-8 text");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(file, null, e is FileNotFoundException or DirectoryNotFoundException ? "no such file" : e.Message, "a manifest");
        }
    }

    private static YamlNode ReadNode(string file, Parser parser, int depth)
    {
        var current = parser.Current!;
        var line = LineOf(current.Start);
        if (depth > MaximumDepth)
        {
            throw new InvalidInputException(file, null, "deeper nesting", $"at most {MaximumDepth} levels", line);
        }

        if (current is AnchorAlias alias)
        {
            throw new InvalidInputException(file, null, $"the alias *{alias.Value}", "the value itself (anchors and aliases are not supported)", line);
        }

        if (current is NodeEvent { Anchor.IsEmpty: false } anchored)
        {
            throw new InvalidInputException(file, null, $"the anchor &{anchored.Anchor.Value}", "a value without anchor (anchors and aliases are not supported)", line);
        }

        if (current is NodeEvent { Tag.IsEmpty: false } tagged)
        {
            throw new InvalidInputException(file, null, $"the tag {tagged.Tag.Value}", "a value without tag", line);
        }

        switch (current)
        {
            case Scalar scalar:
                return new YamlScalar(line, scalar.Value, scalar.Style == ScalarStyle.Plain);
            case SequenceStart:
                var items = new List<YamlNode>();
                while (parser.MoveNext() && parser.Current is not SequenceEnd)
                {
                    items.Add(ReadNode(file, parser, depth + 1));
                }

                return new YamlSequence(line, items);
            case MappingStart:
                var entries = new List<KeyValuePair<YamlScalar, YamlNode>>();
                while (parser.MoveNext() && parser.Current is not MappingEnd)
                {
                    var key = ReadNode(file, parser, depth + 1);
                    parser.MoveNext();
                    var value = ReadNode(file, parser, depth + 1);
                    entries.Add(KeyValuePair.Create(
                        key as YamlScalar ?? throw new InvalidInputException(file, null, "a key that is no scalar", "a field name", key.Line), value));
                }

                return new YamlMapping(line, entries);
            default:
                throw new InvalidInputException(file, null, current.GetType().Name, "a value", line);
        }
    }

    private static int LineOf(Mark mark) => (int)Math.Clamp(mark.Line, 1, int.MaxValue);
}
