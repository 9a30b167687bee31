using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Images;

namespace VisualPriors.Data.ImageText;

/// <summary>
/// Conversations about images in LLaVA's form: a folder with <c>data.jsonl</c>, each line
/// <c>{"id", "image"?, "conversations": [{"from": "human" | "gpt", "value"}]}</c>, images at paths relative to the folder.
/// </summary>
public sealed class ImageTextDataset : IDisposable
{
    /// <summary>Kind of the artifact that holds a set of ours.</summary>
    public const string Kind = ArtifactKind.ImageText;

    private readonly JsonLinesFile<ImageTextSample> _file;

    private ImageTextDataset(JsonLinesFile<ImageTextSample> file) => _file = file;

    /// <summary>Samples.</summary>
    public int Count => _file.Count;

    /// <summary>A sample, read from the file; any number of threads may ask.</summary>
    public ImageTextSample this[int index] => _file[index];

    /// <summary>Opens a folder and checks every line; <see cref="Validate"/> looks at the images.</summary>
    /// <exception cref="InvalidInputException">A line is malformed, or an image's path leads out of the folder.</exception>
    public static ImageTextDataset Open(string directory) =>
        new(new(Path.Combine(directory, DataFolder.Lines), (record, _) => Parse(record, directory)));

    /// <summary>Decodes every image.</summary>
    /// <exception cref="InvalidInputException">Some are missing or do not decode: the first ten are named.</exception>
    public void Validate(CancellationToken cancellationToken) =>
        ImageValidation.DecodeAll(Count, i => this[i].ImagePath, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static ImageTextSample Parse(JsonRecord record, string directory)
    {
        var image = record.OptionalString("image");
        var turns = record.Records("conversations");
        if (turns.Count == 0)
        {
            throw record.Error("conversations", "an empty array", "at least one turn");
        }

        return new ImageTextSample(
            record.Identifier("id"),
            image is null ? null : record.PathInside("image", directory, image),
            [.. turns.Select(ParseTurn)]);
    }

    private static ConversationTurn ParseTurn(JsonRecord turn)
    {
        var from = turn.String("from");
        return from is LlavaTurn.Human or LlavaTurn.Model
            ? new ConversationTurn(from == LlavaTurn.Human, turn.String("value"))
            : throw turn.Error("from", $"'{from}'", $"'{LlavaTurn.Human}' or '{LlavaTurn.Model}'");
    }
}
