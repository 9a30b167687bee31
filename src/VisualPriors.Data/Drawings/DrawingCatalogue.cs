using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Images;
using VisualPriors.Storage;

namespace VisualPriors.Data.Drawings;

/// <summary>Things and their drawings, as <see cref="DrawingPreparation"/> left them.</summary>
public sealed class DrawingCatalogue : IDisposable
{
    /// <summary>Kind of the artifact.</summary>
    public const string Kind = ArtifactKind.Drawings;

    /// <summary>More things than this in an index are not believed.</summary>
    private const int MaximumThings = 100_000;

    private readonly Drawing[][] _drawings;

    private DrawingCatalogue(IReadOnlyList<Thing> things, IReadOnlyList<HouseLicence> licences, Drawing[][] drawings)
    {
        Things = things;
        Licences = licences;
        _drawings = drawings;
    }

    /// <summary>The things; every one is drawn by every house.</summary>
    public IReadOnlyList<Thing> Things { get; }

    /// <summary>Where the drawings come from and on what terms.</summary>
    public IReadOnlyList<HouseLicence> Licences { get; }

    /// <summary>Opens the artifact and decodes all drawings (16 KiB each).</summary>
    /// <param name="directory">The artifact's folder.</param>
    /// <param name="wanted">Which things to take; null takes all.</param>
    /// <exception cref="InvalidInputException">It is no such artifact, the index is malformed, or a drawing does not decode.</exception>
    public static DrawingCatalogue Open(string directory, Predicate<Thing>? wanted = null)
    {
        var artifact = Artifact.Open(directory, Kind);
        var path = artifact.PathOf(DrawingIndex.FileName);
        var index = Parse(path);
        var things = index.Things.Where(thing => wanted?.Invoke(thing) ?? true).ToList();
        var drawings = new Drawing[Houses.All.Count][];
        foreach (var house in Houses.All)
        {
            drawings[(int)house] = new Drawing[things.Count];
        }

        void ReadOne(int n)
        {
            var house = Houses.All[n / things.Count];
            var thing = things[n % things.Count];
            drawings[(int)house][n % things.Count] = Read(artifact.PathOf(DrawingPreparation.PathOf(house, thing)));
        }

        Parallelism.For(Houses.All.Count * things.Count, ReadOne, CancellationToken.None);
        return new DrawingCatalogue(things, index.Houses, drawings);
    }

    /// <summary>A house's drawing of the thing at an index of <see cref="Things"/>.</summary>
    public Drawing this[House house, int thing] => _drawings[(int)house][thing];

    /// <summary>Puts a catalogue together from drawings at hand: one array a house, in the order of <see cref="House"/>.</summary>
    internal static DrawingCatalogue FromDrawings(IReadOnlyList<Thing> things, Drawing[][] drawings) => new(things, [], drawings);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var drawing in _drawings.SelectMany(house => house))
        {
            drawing.Dispose();
        }
    }

    private static Drawing Read(string path)
    {
        using var bitmap = ImageDecoder.DecodeBitmap(path);
        if (bitmap.Width != Drawing.Size || bitmap.Height != Drawing.Size)
        {
            throw new InvalidInputException(path, null, $"{bitmap.Width}x{bitmap.Height} pixels", $"{Drawing.Size}x{Drawing.Size}");
        }

        try
        {
            return Drawing.FromPremultiplied(bitmap.GetPixelSpan());
        }
        catch (ArgumentException e)
        {
            throw new InvalidInputException(path, null, e.Message, "a drawing of something");
        }
    }

    private static DrawingIndex Parse(string path)
    {
        DrawingIndex? index;
        try
        {
            index = JsonSerializer.Deserialize(File.ReadAllBytes(path), DrawingJson.Default.DrawingIndex);
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            var json = e as JsonException;
            throw new InvalidInputException(path, json?.Path, e.Message, "an index of drawings", (int?)(json?.LineNumber + 1));
        }

        if (index is not { Version: DrawingIndex.CurrentVersion })
        {
            throw new InvalidInputException(path, "version", index?.Version.ToString() ?? "null", $"{DrawingIndex.CurrentVersion}");
        }

        if (index.Things.Count is 0 or > MaximumThings)
        {
            throw new InvalidInputException(path, "things", $"{index.Things.Count} things", $"1 to {MaximumThings}");
        }

        for (var i = 0; i < index.Things.Count; i++)
        {
            // Ids become file names.
            if (index.Things[i].Id.Length == 0 || !index.Things[i].Id.All(c => char.IsAsciiHexDigitLower(c) || c == '-'))
            {
                throw new InvalidInputException(path, $"things[{i}].id", $"'{index.Things[i].Id}'", "hexadecimal code points joined by '-'");
            }
        }

        return index;
    }
}
