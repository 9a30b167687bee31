using System.Runtime.CompilerServices;
using SkiaSharp;
using VisualPriors.Data.Drawings;

namespace VisualPriors.Data.Scenes;

/// <summary>A picture of one thing.</summary>
/// <param name="Rgb">RGB bytes, rows from the top: <see cref="SceneComposer.Size"/> squared x 3.</param>
/// <param name="Coverage">Measured share of all pixels where the thing's alpha is above one half, after clipping at the border.</param>
public sealed record Scene(byte[] Rgb, double Coverage);

/// <summary>
/// Composes scenes: a drawing, turned by up to 20 degrees, perhaps mirrored, somewhere on a background. A pure function of its
/// arguments; any number of threads may call it.
/// </summary>
public static class SceneComposer
{
    /// <summary>Pixels a side.</summary>
    public const int Size = 64;

    private const double LargestTurn = 20;

    /// <summary>Tries at a random placement before falling back on one that is known to fit; and at a background that shows the thing.</summary>
    private const int Attempts = 6;

    /// <summary>
    /// Least mean distance between a thing's pixels and what is behind them, in steps of 256 of the channel that differs most: a black
    /// telephone on a black ground can be named by nobody.
    /// </summary>
    private const double LeastContrast = 45;

    private static readonly ConditionalWeakTable<Drawing, CoverageTable> Tables = [];

    /// <summary>Whether a drawing can cover a bucket's share of a scene and still be seen mostly whole: measured, not assumed.</summary>
    public static bool CanFill(Drawing drawing, SizeBucket bucket) => TableOf(drawing).Extents(bucket).Count > 0;

    /// <summary>Composes a scene on a background of a kind that the seed picks.</summary>
    /// <param name="drawing">What is seen.</param>
    /// <param name="bucket">How much of the scene it covers.</param>
    /// <param name="seed">Decides everything else.</param>
    /// <param name="jitter">Whether the drawing's brightness, contrast, saturation and hue vary: for training.</param>
    /// <exception cref="ArgumentException">The drawing cannot fill the bucket (<see cref="CanFill"/>).</exception>
    public static Scene Compose(Drawing drawing, SizeBucket bucket, ulong seed, bool jitter)
    {
        var random = new SeededRandom(seed);
        return Compose(drawing, (BackgroundKind)random.Below(Background.KindCount), bucket, random.NextBits(), jitter);
    }

    /// <summary>Composes a scene on a background of a given kind.</summary>
    /// <inheritdoc cref="Compose(Drawing, SizeBucket, ulong, bool)"/>
    public static Scene Compose(Drawing drawing, BackgroundKind background, SizeBucket bucket, ulong seed, bool jitter)
    {
        var random = new SeededRandom(seed);
        using var layer = new Layer();
        var coverage = Place(layer, drawing, bucket, ref random);
        var colour = jitter ? ColourTransform.Random(ref random) : ColourTransform.None;
        var rgb = new byte[Size * Size * 3];
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            Background.Paint(rgb, Size, background, ref random);
            if (ContrastOf(rgb, layer.Pixels) >= LeastContrast)
            {
                break;
            }
        }

        Blend(rgb, layer.Pixels, colour);
        return new Scene(rgb, coverage);
    }

    private static double Place(Layer layer, Drawing drawing, SizeBucket bucket, ref SeededRandom random)
    {
        var table = TableOf(drawing);
        var fitting = table.Extents(bucket);
        if (fitting.Count == 0)
        {
            throw new ArgumentException($"This drawing cannot cover {SizeBuckets.Range(bucket)} of a scene.", nameof(bucket));
        }

        var (low, high) = SizeBuckets.Range(bucket);
        var mirrored = random.Below(2) == 0;
        var wanted = random.Between(fitting.Min(f => f.Coverage), fitting.Max(f => f.Coverage));
        var known = fitting.MinBy(f => Math.Abs(f.Coverage - wanted));
        var extent = known.Extent * Math.Sqrt(wanted / known.Coverage);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            extent = Math.Min(extent, SizeBuckets.LargestExtent(bucket));
            var turn = random.Between(-LargestTurn, LargestTurn);
            var (x, y) = (random.NextDouble(), random.NextDouble());
            var coverage = layer.Draw(drawing, new Placement(extent, turn, mirrored, x, y));
            if (coverage >= low && coverage < high)
            {
                return coverage;
            }

            extent *= Math.Sqrt(wanted / Math.Max(coverage, 0.01));
        }

        return layer.Draw(drawing, Placement.Centred(known.Extent));
    }

    private static double ContrastOf(ReadOnlySpan<byte> rgb, ReadOnlySpan<byte> rgba)
    {
        int sum = 0, covered = 0;
        for (int i = 0, j = 0; i < rgb.Length; i += 3, j += 4)
        {
            if (rgba[j + 3] > 127)
            {
                covered++;
                sum += Math.Max(Math.Abs(rgb[i] - rgba[j]), Math.Max(Math.Abs(rgb[i + 1] - rgba[j + 1]), Math.Abs(rgb[i + 2] - rgba[j + 2])));
            }
        }

        return (double)sum / covered;
    }

    /// <summary>Lays the drawing (premultiplied RGBA) over the background.</summary>
    private static void Blend(Span<byte> rgb, ReadOnlySpan<byte> rgba, ColourTransform colour)
    {
        for (int i = 0, j = 0; i < rgb.Length; i += 3, j += 4)
        {
            var alpha = rgba[j + 3];
            if (alpha == 0)
            {
                continue;
            }

            var behind = 1 - (alpha / 255f);
            var (r, g, b) = colour.Apply(rgba[j], rgba[j + 1], rgba[j + 2], alpha);
            rgb[i] = (byte)(r + (rgb[i] * behind) + 0.5f);
            rgb[i + 1] = (byte)(g + (rgb[i + 1] * behind) + 0.5f);
            rgb[i + 2] = (byte)(b + (rgb[i + 2] * behind) + 0.5f);
        }
    }

    private static CoverageTable TableOf(Drawing drawing) => Tables.GetValue(drawing, CoverageTable.Measure);

    /// <summary>Where a drawing stands.</summary>
    /// <param name="Extent">Longer side of its content, in sides of the scene.</param>
    /// <param name="Turn">Degrees clockwise.</param>
    /// <param name="Mirrored">Left and right exchanged.</param>
    /// <param name="X">Place between its leftmost (0) and rightmost (1) position.</param>
    /// <param name="Y">The same downwards.</param>
    private readonly record struct Placement(double Extent, double Turn, bool Mirrored, double X, double Y)
    {
        public static Placement Centred(double extent) => new(extent, 0, false, 0.5, 0.5);
    }

    /// <summary>What a drawing covers, upright in the middle, by its extent.</summary>
    private sealed class CoverageTable
    {
        /// <summary>Ratio of neighbouring extents.</summary>
        private const double Step = 1.1;

        private const double Smallest = 0.25;

        private readonly IReadOnlyList<(double Extent, double Coverage)>[] _fitting;

        private CoverageTable(IReadOnlyList<(double Extent, double Coverage)> measured)
        {
            _fitting =
            [
                .. SizeBuckets.All.Select(bucket =>
                {
                    var (low, high) = SizeBuckets.Range(bucket);
                    return measured.Where(m => m.Coverage >= low && m.Coverage < high && m.Extent <= SizeBuckets.LargestExtent(bucket)).ToList();
                }),
            ];
        }

        /// <summary>The extents at which it covers a bucket's share, each with what it covers.</summary>
        public IReadOnlyList<(double Extent, double Coverage)> Extents(SizeBucket bucket) => _fitting[(int)bucket];

        public static CoverageTable Measure(Drawing drawing)
        {
            using var layer = new Layer();
            var measured = new List<(double, double)>();
            for (var extent = Smallest; extent <= SizeBuckets.LargestExtent(SizeBucket.Large); extent *= Step)
            {
                measured.Add((extent, layer.Draw(drawing, Placement.Centred(extent))));
            }

            return new CoverageTable(measured);
        }
    }

    /// <summary>A transparent image of the scene's size to draw on.</summary>
    private sealed class Layer : IDisposable
    {
        private readonly SKBitmap _bitmap = new(new SKImageInfo(Size, Size, SKColorType.Rgba8888, SKAlphaType.Premul));
        private readonly SKCanvas _canvas;

        /// <summary>Smooths the edges of drawings that reach their own border.</summary>
        private readonly SKPaint _paint = new() { IsAntialias = true };

        public Layer() => _canvas = new SKCanvas(_bitmap);

        public ReadOnlySpan<byte> Pixels => _bitmap.GetPixelSpan();

        /// <summary>Draws alone what is placed and returns the share of pixels it covers.</summary>
        public double Draw(Drawing drawing, Placement placement)
        {
            var content = drawing.Content;
            var scale = placement.Extent * Size / Math.Max(content.Width, content.Height);
            var (sin, cos) = Math.SinCos(placement.Turn * Math.PI / 180);
            var halfWidth = scale * ((content.Width * Math.Abs(cos)) + (content.Height * Math.Abs(sin))) / 2;
            var halfHeight = scale * ((content.Width * Math.Abs(sin)) + (content.Height * Math.Abs(cos))) / 2;
            var centreX = Centre(placement.X, halfWidth);
            var centreY = Centre(placement.Y, halfHeight);

            // Content's middle to the origin, mirror, scale, turn, then to its place.
            var (a, b) = (scale * cos, scale * sin);
            var mirror = placement.Mirrored ? -1 : 1;
            var (midX, midY) = ((content.Left + content.Right) / 2.0, (content.Top + content.Bottom) / 2.0);
            var matrix = new SKMatrix(
                (float)(mirror * a), (float)-b, (float)(centreX - (mirror * a * midX) + (b * midY)),
                (float)(mirror * b), (float)a, (float)(centreY - (mirror * b * midX) - (a * midY)),
                0, 0, 1);
            _canvas.SetMatrix(matrix);
            _canvas.Clear(SKColors.Transparent);
            var sampling = scale < 1
                ? new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear)
                : new SKSamplingOptions(SKCubicResampler.Mitchell);
            _canvas.DrawImage(drawing.Image, 0, 0, sampling, _paint);
            _canvas.Flush();
            var pixels = Pixels;
            var covered = 0;
            for (var i = 3; i < pixels.Length; i += 4)
            {
                covered += pixels[i] > 127 ? 1 : 0;
            }

            return (double)covered / (Size * Size);
        }

        public void Dispose()
        {
            _paint.Dispose();
            _canvas.Dispose();
            _bitmap.Dispose();
        }

        /// <summary>Inside the scene where it fits; where it does not, off the middle by at most half of what sticks out.</summary>
        private static double Centre(double place, double half)
        {
            const double Middle = Size / 2.0;
            var slack = half <= Middle ? Middle - half : (half - Middle) / 2;
            return Middle + (((2 * place) - 1) * slack);
        }
    }
}
