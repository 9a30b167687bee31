using System.Globalization;

namespace VisualPriors.Data.ImageText;

/// <summary>The layout that image-text and multiple-choice sets share: <c>data.jsonl</c> beside <c>images/</c>.</summary>
internal static class DataFolder
{
    /// <summary>File with one JSON object a line.</summary>
    public const string Lines = "data.jsonl";

    /// <summary>Folder of the images.</summary>
    public const string Images = "images";

    /// <summary>Path, relative to the set, of the image we write for a sample.</summary>
    public static string ImageName(int index) => $"{Images}/{index.ToString("D6", CultureInfo.InvariantCulture)}.png";

    /// <summary>Writes lines, each ended by a line feed.</summary>
    public static void WriteLines(string path, IEnumerable<byte[]> lines)
    {
        using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        foreach (var line in lines)
        {
            stream.Write(line);
            stream.WriteByte((byte)'\n');
        }
    }
}
