using System.Text.Json.Nodes;
using VisualPriors.Api.Plans;
using VisualPriors.Storage;

namespace VisualPriors.Data.Tests.Text;

/// <summary>Writes corpora whose tokens are known.</summary>
internal static class HandMadeCorpus
{
    /// <summary>Writes a corpus in which a source's training tokens count up from 0 and its held-out tokens down from the vocabulary's end.</summary>
    public static string Write(
        TemporaryFolder folder,
        IReadOnlyDictionary<string, (int Train, int Validation)> sources,
        int vocabularySize = 65_536,
        Action<JsonObject>? change = null)
    {
        var directory = folder.Path("corpus");
        using var writer = new ArtifactWriter(directory);
        var list = new JsonArray();
        foreach (var (name, (train, validation)) in sources)
        {
            WriteTokens(writer.PathOf($"{name}/train.bin"), Enumerable.Range(0, train).Select(i => i % vocabularySize), vocabularySize);
            WriteTokens(writer.PathOf($"{name}/validation.bin"), Enumerable.Range(0, validation).Select(i => vocabularySize - 1 - i), vocabularySize);
            list.Add(new JsonObject
            {
                ["name"] = name,
                ["description"] = "",
                ["licence"] = "",
                ["trainDocuments"] = 1,
                ["validationDocuments"] = 1,
                ["trainTokens"] = train,
                ["validationTokens"] = validation,
                ["textBytes"] = 1,
            });
        }

        var root = new JsonObject
        {
            ["version"] = 1,
            ["vocabularySize"] = vocabularySize,
            ["endOfText"] = 1,
            ["tokenBytes"] = vocabularySize <= 65_536 ? 2 : 4,
            ["sources"] = list,
        };
        change?.Invoke(root);
        File.WriteAllText(writer.PathOf("corpus.json"), root.ToJsonString());
        writer.Commit(ArtifactKind.TextCorpus);
        return directory;
    }

    private static void WriteTokens(string path, IEnumerable<int> tokens, int vocabularySize)
    {
        using var file = new BinaryWriter(File.Create(path));
        foreach (var token in tokens)
        {
            if (vocabularySize <= 65_536)
            {
                file.Write((ushort)token);
            }
            else
            {
                file.Write(token);
            }
        }
    }
}
