using SkiaSharp;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Images;

/// <summary>Reads PNG, JPEG and WebP files from anywhere. What a header claims is checked before memory is taken for it.</summary>
public static class ImageDecoder
{
    /// <summary>Longest side of an image that is decoded; pixels.</summary>
    public const int MaximumSide = 16_384;

    /// <summary>Largest area of an image that is decoded (256 MiB of RGBA); pixels.</summary>
    public const long MaximumPixels = 64L * 1024 * 1024;

    /// <summary>Largest file that is opened; bytes.</summary>
    public const long MaximumFileBytes = 256L * 1024 * 1024;

    /// <summary>
    /// What fills the sides of an image that is not square, and shows through transparent pixels: middle grey, which is the mean that
    /// the encoders' normalisation takes off, so padding is zero to them.
    /// </summary>
    public const byte Padding = 127;

    /// <summary>Decodes an image, pads it to a square in the middle of <see cref="Padding"/>, and resizes that.</summary>
    /// <param name="path">The file.</param>
    /// <param name="size">Pixels a side of the result.</param>
    /// <returns>RGB bytes, rows from the top: size x size x 3.</returns>
    /// <exception cref="InvalidInputException">It is missing, no such image, animated, damaged, or too large.</exception>
    public static byte[] DecodeRgb(string path, int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        using var bitmap = DecodeBitmap(path);
        using var square = new SKBitmap(new SKImageInfo(size, size, SKColorType.Rgba8888, SKAlphaType.Premul));
        using (var canvas = new SKCanvas(square))
        {
            canvas.Clear(new SKColor(Padding, Padding, Padding));
            var scale = (float)size / Math.Max(bitmap.Width, bitmap.Height);
            var width = bitmap.Width * scale;
            var height = bitmap.Height * scale;
            var target = SKRect.Create((size - width) / 2, (size - height) / 2, width, height);
            using var image = SKImage.FromBitmap(bitmap);
            var sampling = scale switch
            {
                1 => new SKSamplingOptions(SKFilterMode.Nearest),
                < 1 => new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear),
                _ => new SKSamplingOptions(SKCubicResampler.Mitchell),
            };
            canvas.DrawImage(image, target, sampling);
        }

        var rgba = square.GetPixelSpan();
        var rgb = new byte[size * size * 3];
        for (int i = 0, j = 0; i < rgb.Length; i += 3, j += 4)
        {
            rgb[i] = rgba[j];
            rgb[i + 1] = rgba[j + 1];
            rgb[i + 2] = rgba[j + 2];
        }

        return rgb;
    }

    /// <summary>Decodes an image upright, as RGBA with premultiplied alpha.</summary>
    /// <exception cref="InvalidInputException">As <see cref="DecodeRgb"/>.</exception>
    internal static SKBitmap DecodeBitmap(string path)
    {
        const string Expected = "a PNG, JPEG or WebP image";
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new InvalidInputException(path, null, "no such file", Expected);
        }

        if (file.Length is 0 or > MaximumFileBytes)
        {
            throw new InvalidInputException(path, null, $"{file.Length} bytes", $"{Expected} of at most {MaximumFileBytes} bytes");
        }

        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, e.Message, Expected);
        }

        using var data = SKData.CreateCopy(bytes);
        using var codec = SKCodec.Create(data);
        if (codec?.EncodedFormat is not (SKEncodedImageFormat.Png or SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Webp))
        {
            throw new InvalidInputException(path, null, codec is null ? "something that does not decode" : $"{codec.EncodedFormat}", Expected);
        }

        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if (width > MaximumSide || height > MaximumSide || (long)width * height > MaximumPixels)
        {
            throw new InvalidInputException(
                path, null, $"{width}x{height} pixels", $"at most {MaximumSide} a side and {MaximumPixels} in all");
        }

        if (codec.FrameCount > 1)
        {
            throw new InvalidInputException(path, null, $"an animation of {codec.FrameCount} frames", "a still image");
        }

        var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul));
        var result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (result != SKCodecResult.Success)
        {
            bitmap.Dispose();
            throw new InvalidInputException(path, null, $"damaged image data ({result})", Expected);
        }

        return Upright(bitmap, codec.EncodedOrigin);
    }

    /// <summary>Undoes the rotation or mirroring that a camera noted instead of turning the pixels.</summary>
    private static SKBitmap Upright(SKBitmap bitmap, SKEncodedOrigin origin)
    {
        if (origin is SKEncodedOrigin.TopLeft)
        {
            return bitmap;
        }

        var (w, h) = (bitmap.Width, bitmap.Height);
        var (matrix, swapped) = origin switch
        {
            SKEncodedOrigin.TopRight => (new SKMatrix(-1, 0, w, 0, 1, 0, 0, 0, 1), false),
            SKEncodedOrigin.BottomRight => (new SKMatrix(-1, 0, w, 0, -1, h, 0, 0, 1), false),
            SKEncodedOrigin.BottomLeft => (new SKMatrix(1, 0, 0, 0, -1, h, 0, 0, 1), false),
            SKEncodedOrigin.LeftTop => (new SKMatrix(0, 1, 0, 1, 0, 0, 0, 0, 1), true),
            SKEncodedOrigin.RightTop => (new SKMatrix(0, -1, h, 1, 0, 0, 0, 0, 1), true),
            SKEncodedOrigin.RightBottom => (new SKMatrix(0, -1, h, -1, 0, w, 0, 0, 1), true),
            SKEncodedOrigin.LeftBottom => (new SKMatrix(0, 1, 0, -1, 0, w, 0, 0, 1), true),
            _ => (SKMatrix.Identity, false),
        };
        using (bitmap)
        {
            var upright = new SKBitmap(bitmap.Info.WithSize(swapped ? h : w, swapped ? w : h));
            using var canvas = new SKCanvas(upright);
            using var image = SKImage.FromBitmap(bitmap);
            canvas.Clear(SKColors.Transparent);
            canvas.SetMatrix(matrix);
            canvas.DrawImage(image, 0, 0, new SKSamplingOptions(SKFilterMode.Nearest));
            return upright;
        }
    }
}
