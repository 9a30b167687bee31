using System.Diagnostics;
using System.Text.Json;
using SkiaSharp;
using VisualPriors.Api.Errors;
using VisualPriors.Data.Images;
using VisualPriors.Storage;

namespace VisualPriors.Data.Drawings;

/// <summary>Folders of the unpacked npm packages that drawings come from.</summary>
/// <param name="Twitter"><c>emoji-datasource-twitter</c>.</param>
/// <param name="Google"><c>emoji-datasource-google</c>.</param>
/// <param name="OpenMoji"><c>openmoji</c>.</param>
public sealed record DrawingPackages(string Twitter, string Google, string OpenMoji);

/// <summary>
/// Turns the packages into a catalogue of things with 64-pixel drawings. Needs Debian's <c>rsvg-convert</c> (package
/// <c>librsvg2-bin</c>) for OpenMoji, which comes as SVG: no SVG library is to be had as a NuGet package here.
/// </summary>
public static class DrawingPreparation
{
    /// <summary>
    /// OpenMoji draws inside wide margins: it is rasterised this large, cropped to its content and reduced; pixels a side.
    /// </summary>
    private const int RasterSize = 192;

    /// <summary>Transparent border left around a cropped drawing, as the other houses have; pixels a side.</summary>
    private const int Margin = 1;

    /// <summary>Reads the packages and publishes the artifact.</summary>
    /// <exception cref="InvalidInputException">A package lacks something or holds something malformed.</exception>
    /// <exception cref="InvalidOperationException"><c>rsvg-convert</c> is not installed.</exception>
    public static Artifact Prepare(DrawingPackages packages, string outputDirectory, CancellationToken cancellationToken)
    {
        var entries = EmojiData.Read(packages);
        using var writer = new ArtifactWriter(outputDirectory);
        foreach (var house in Houses.All)
        {
            Directory.CreateDirectory(Path.Combine(writer.Directory, Houses.FolderOf(house)));
        }

        void PrepareOne(int i)
        {
            var entry = entries[i];
            Copy(entry.TwitterImage, writer.PathOf(PathOf(House.Twitter, entry.Thing)));
            Copy(entry.GoogleImage, writer.PathOf(PathOf(House.Google, entry.Thing)));
            Rasterise(entry.OpenMojiImage, writer.PathOf(PathOf(House.OpenMoji, entry.Thing)));
        }

        Parallelism.For(entries.Count, PrepareOne, cancellationToken);
        var index = new DrawingIndex
        {
            Version = DrawingIndex.CurrentVersion,
            Houses =
            [
                new("twitter", EmojiData.PackageName(packages.Twitter), "Twemoji", "CC-BY-4.0", "https://github.com/jdecked/twemoji"),
                new("google", EmojiData.PackageName(packages.Google), "Noto Emoji", "Apache-2.0", "https://github.com/googlefonts/noto-emoji"),
                new("openmoji", EmojiData.PackageName(packages.OpenMoji), "OpenMoji", "CC-BY-SA-4.0", "https://openmoji.org"),
            ],
            Things = [.. entries.Select(e => e.Thing)],
        };
        File.WriteAllBytes(writer.PathOf(DrawingIndex.FileName), JsonSerializer.SerializeToUtf8Bytes(index, DrawingJson.Default.DrawingIndex));
        return writer.Commit(DrawingCatalogue.Kind);
    }

    /// <summary>Where in the artifact a drawing lies.</summary>
    internal static string PathOf(House house, Thing thing) => $"{Houses.FolderOf(house)}/{thing.Id}.png";

    private static void Copy(string source, string target)
    {
        using var bitmap = ImageDecoder.DecodeBitmap(source);
        if (bitmap.Width != Drawing.Size || bitmap.Height != Drawing.Size)
        {
            throw new InvalidInputException(source, null, $"{bitmap.Width}x{bitmap.Height} pixels", $"{Drawing.Size}x{Drawing.Size}");
        }

        Save(bitmap, target);
    }

    private static void Rasterise(string source, string target)
    {
        var large = target + ".raster";
        RunRsvg(source, large);
        using (var bitmap = ImageDecoder.DecodeBitmap(large))
        {
            using var cropped = CropToContent(source, bitmap);
            Save(cropped, target);
        }

        File.Delete(large);
    }

    private static void RunRsvg(string source, string target)
    {
        var size = RasterSize.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo("rsvg-convert", ["--width", size, "--height", size, "--output", target, source])
        {
            RedirectStandardError = true,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException("rsvg-convert cannot be started: install the system package librsvg2-bin.", e);
        }

        using (process)
        {
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new InvalidInputException(source, null, $"an SVG that rsvg-convert refuses ({error.Trim()})", "a drawing");
            }
        }
    }

    /// <summary>Scales what is visible of a drawing to fill a drawing's square, centred, aspect kept.</summary>
    private static SKBitmap CropToContent(string source, SKBitmap bitmap)
    {
        var pixels = bitmap.GetPixelSpan();
        int left = bitmap.Width, top = bitmap.Height, right = 0, bottom = 0;
        for (var y = 0; y < bitmap.Height; y++)
        {
            for (var x = 0; x < bitmap.Width; x++)
            {
                if (pixels[(((y * bitmap.Width) + x) * 4) + 3] > 0)
                {
                    (left, right) = (Math.Min(left, x), Math.Max(right, x + 1));
                    (top, bottom) = (Math.Min(top, y), Math.Max(bottom, y + 1));
                }
            }
        }

        if (right == 0)
        {
            throw new InvalidInputException(source, null, "an empty drawing", "a drawing of something");
        }

        var result = new SKBitmap(new SKImageInfo(Drawing.Size, Drawing.Size, SKColorType.Rgba8888, SKAlphaType.Premul));
        using var canvas = new SKCanvas(result);
        canvas.Clear(SKColors.Transparent);
        var scale = (float)(Drawing.Size - (2 * Margin)) / Math.Max(right - left, bottom - top);
        var (width, height) = ((right - left) * scale, (bottom - top) * scale);
        using var image = SKImage.FromBitmap(bitmap);
        canvas.DrawImage(
            image,
            new SKRect(left, top, right, bottom),
            SKRect.Create((Drawing.Size - width) / 2, (Drawing.Size - height) / 2, width, height),
            new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        return result;
    }

    private static void Save(SKBitmap bitmap, string path)
    {
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        using var stream = File.Create(path);
        data.SaveTo(stream);
    }
}
