using System.Text.Json;
using VisualPriors.Api.Plans;

namespace VisualPriors.Evaluation.Reports;

/// <summary>Finds out from the prepared data itself where it came from. Prepared data may have moved since: what is not there is left out.</summary>
internal static class OriginReader
{
    public static IReadOnlyList<DataOrigin> Read(IReadOnlyList<StageContent> stages)
    {
        var folders = stages.SelectMany(stage => stage.InputFolders).ToArray();
        var corpora = folders.Where(input => input.Key == StageInputs.Corpus).Select(input => input.Value).Distinct();

        // Drawings are no stage's input: pictures are composed from them. They lie beside what was made of them.
        var drawings = folders
            .Where(input => input.Key is StageInputs.Captions or StageInputs.Instructions || input.Key == StageInputs.Suite(0))
            .Select(input => Path.Combine(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(input.Value)) ?? "", "drawings"))
            .Distinct();
        return [.. corpora.SelectMany(Texts), .. drawings.SelectMany(Pictures)];
    }

    private static IEnumerable<DataOrigin> Texts(string folder)
    {
        foreach (var source in Json.Items(Json.Member(Open(folder, "corpus.json"), "sources")))
        {
            var tokens = Json.Number(source, "trainTokens");
            yield return new DataOrigin(
                Json.Text(source, "name"),
                Json.Text(source, "description"),
                Json.Text(source, "licence"),
                tokens is null ? "" : $"{Show.Short(tokens.Value)} tokens");
        }
    }

    private static IEnumerable<DataOrigin> Pictures(string folder)
    {
        var description = Open(folder, "drawings.json");
        var things = Json.Items(Json.Member(description, "things")).Count();
        foreach (var house in Json.Items(Json.Member(description, "houses")))
        {
            yield return new DataOrigin(
                Json.Text(house, "work"), $"Drawings (npm {Json.Text(house, "package")})", Json.Text(house, "licence"), $"{Show.Count(things)} drawings");
        }
    }

    private static JsonElement? Open(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        if (!ReportReader.Exists(path))
        {
            return null;
        }

        using var document = ReportReader.Parse(path, null, () => JsonDocument.Parse(File.ReadAllBytes(path)), "a description of prepared data");
        return document.RootElement.Clone();
    }
}
