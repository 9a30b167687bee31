using System.Collections.Frozen;

namespace VisualPriors.Data.Drawings;

/// <summary>How things are spoken of.</summary>
public static class EnglishNames
{
    private static readonly FrozenDictionary<string, string> Kinds = new Dictionary<string, string>
    {
        ["animal-mammal"] = "mammal",
        ["animal-bird"] = "bird",
        ["animal-amphibian"] = "amphibian",
        ["animal-reptile"] = "reptile",
        ["animal-marine"] = "sea animal",
        ["animal-bug"] = "bug",
        ["plant-flower"] = "flower",
        ["plant-other"] = "plant",
        ["food-fruit"] = "fruit",
        ["food-vegetable"] = "vegetable",
        ["food-prepared"] = "prepared food",
        ["food-asian"] = "asian food",
        ["food-sweet"] = "sweet food",
        ["drink"] = "drink",
        ["dishware"] = "tableware",
        ["place-map"] = "map",
        ["place-geographic"] = "landscape",
        ["place-building"] = "building",
        ["place-religious"] = "religious building",
        ["place-other"] = "place",
        ["transport-ground"] = "land transport",
        ["transport-water"] = "water transport",
        ["transport-air"] = "air transport",
        ["hotel"] = "travel",
        ["time"] = "timepiece",
        ["sky & weather"] = "sky and weather",
        ["event"] = "celebration",
        ["award-medal"] = "award",
        ["sport"] = "sport",
        ["game"] = "game",
        ["arts & crafts"] = "arts and crafts",
        ["clothing"] = "clothing",
        ["sound"] = "sound",
        ["music"] = "music",
        ["musical-instrument"] = "musical instrument",
        ["phone"] = "phone",
        ["computer"] = "computing",
        ["light & video"] = "light and video",
        ["book-paper"] = "books and paper",
        ["money"] = "money",
        ["mail"] = "mail",
        ["writing"] = "writing",
        ["office"] = "office",
        ["lock"] = "locks and keys",
        ["tool"] = "tool",
        ["science"] = "science",
        ["medical"] = "medicine",
        ["household"] = "household",
        ["other-object"] = "object",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Groups that everyone would sort their members into, by the beginning of the subcategory.</summary>
    private static readonly (string Prefix, string Group)[] PlainGroups =
    [
        ("animal-", "an animal"),
        ("plant-", "a plant"),
        ("food-", "food"),
        ("clothing", "clothing"),
        ("musical-instrument", "a musical instrument"),
        ("transport-", "transport"),
        ("place-building", "a building"),
        ("tool", "a tool"),
    ];

    /// <summary>Words that carry no meaning of their own in names.</summary>
    private static readonly FrozenSet<string> EmptyWords =
        FrozenSet.Create(StringComparer.Ordinal, "a", "and", "in", "of", "on", "the", "with", "without");

    /// <summary>Names ending in s that stand for one thing.</summary>
    private static readonly FrozenSet<string> SingularEndings =
        FrozenSet.Create(StringComparer.Ordinal, "bus", "cactus", "octopus", "hibiscus", "lotus", "rhinoceros", "hippopotamus", "citrus");

    /// <summary>Words that take no article.</summary>
    private static readonly FrozenSet<string> Uncountable = FrozenSet.Create(
        StringComparer.Ordinal, "bacon", "blood", "bread", "broccoli", "butter", "candy", "cash", "coral", "corn", "cream", "custard",
        "dango", "dna", "fire", "food", "garlic", "ice", "liquid", "luggage", "mail", "money", "oden", "popcorn", "rice", "sake", "salad",
        "salt", "seaweed", "soap", "spaghetti", "sushi", "tea");

    /// <summary>Beginnings that are spoken other than they are spelt.</summary>
    private static readonly (string Beginning, string Article)[] SpokenOtherwise =
        [("one", "a"), ("ewe", "a"), ("euro", "a"), ("uni", "a"), ("uk", "a"), ("hour", "an"), ("x-ray", "an")];

    /// <summary>Every phrase that <see cref="GroupOf"/> may give.</summary>
    public static IReadOnlyList<string> Groups { get; } = [.. PlainGroups.Select(g => g.Group)];

    /// <summary>What kind of thing it is, as a short noun: <c>fruit</c> for a red apple.</summary>
    public static string KindOf(Thing thing) =>
        Kinds.TryGetValue(thing.Subcategory, out var kind) ? kind : thing.Subcategory.Replace('-', ' ');

    /// <summary>Its large group with an article, as in "a red apple is food"; null where people would argue.</summary>
    public static string? GroupOf(Thing thing) =>
        PlainGroups.FirstOrDefault(g => thing.Subcategory.StartsWith(g.Prefix, StringComparison.Ordinal)).Group;

    /// <summary>The name with the indefinite article where it takes one: <c>an owl</c>, <c>grapes</c>.</summary>
    public static string WithArticle(string name)
    {
        // The word that counts is the last one before "of", "with", "and", "on" or "in".
        var words = name.Split(' ');
        var end = Array.FindIndex(words, w => w is "of" or "with" or "and" or "on" or "in");
        var noun = words[(end > 0 ? end : words.Length) - 1];
        var isPlural = noun.EndsWith('s') && !noun.EndsWith("ss", StringComparison.Ordinal) && !SingularEndings.Contains(noun);
        if (isPlural || Uncountable.Contains(noun))
        {
            return name;
        }

        var article = SpokenOtherwise.FirstOrDefault(s => name.StartsWith(s.Beginning, StringComparison.Ordinal)).Article
            ?? ("aeiou".Contains(name[0], StringComparison.Ordinal) ? "an" : "a");
        return $"{article} {name}";
    }

    /// <summary>The words of a name that tell it from others, in the singular: <c>ear of corn</c> gives ear and corn.</summary>
    public static IReadOnlySet<string> SignificantWords(string name)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        foreach (var word in name.Split(' ', '-'))
        {
            var possessive = word.IndexOf('\'');
            var plain = possessive < 0 ? word : word[..possessive];
            if (plain.Length > 3 && plain.EndsWith('s') && !plain.EndsWith("ss", StringComparison.Ordinal))
            {
                plain = plain[..^1];
            }

            if (plain.Length > 0 && !EmptyWords.Contains(plain))
            {
                words.Add(plain);
            }
        }

        return words;
    }
}
