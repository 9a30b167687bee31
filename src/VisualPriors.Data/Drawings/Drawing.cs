using SkiaSharp;

namespace VisualPriors.Data.Drawings;

/// <summary>One house's drawing of one thing. Immutable; may be used by many threads.</summary>
public sealed class Drawing : IDisposable
{
    /// <summary>Pixels a side.</summary>
    public const int Size = 64;

    private Drawing(SKImage image, SKRectI content)
    {
        Image = image;
        Content = content;
    }

    /// <summary>The pixels, RGBA with premultiplied alpha, for drawing with.</summary>
    internal SKImage Image { get; }

    /// <summary>Smallest rectangle that holds every pixel with alpha above one half.</summary>
    internal SKRectI Content { get; }

    /// <summary>Takes <see cref="Size"/> x <see cref="Size"/> pixels of RGBA bytes, premultiplied.</summary>
    /// <exception cref="ArgumentException">Nothing in it is opaque, or it has another size.</exception>
    public static Drawing FromPremultiplied(ReadOnlySpan<byte> rgba)
    {
        if (rgba.Length != Size * Size * 4)
        {
            throw new ArgumentException($"A drawing has {Size * Size * 4} bytes, not {rgba.Length}.", nameof(rgba));
        }

        int left = Size, top = Size, right = 0, bottom = 0;
        for (var y = 0; y < Size; y++)
        {
            for (var x = 0; x < Size; x++)
            {
                if (rgba[(((y * Size) + x) * 4) + 3] > 127)
                {
                    left = Math.Min(left, x);
                    right = Math.Max(right, x + 1);
                    top = Math.Min(top, y);
                    bottom = Math.Max(bottom, y + 1);
                }
            }
        }

        if (right == 0)
        {
            throw new ArgumentException("The drawing is empty.", nameof(rgba));
        }

        var image = SKImage.FromPixelCopy(new SKImageInfo(Size, Size, SKColorType.Rgba8888, SKAlphaType.Premul), rgba);
        return new Drawing(image, new SKRectI(left, top, right, bottom));
    }

    /// <inheritdoc/>
    public void Dispose() => Image.Dispose();
}
