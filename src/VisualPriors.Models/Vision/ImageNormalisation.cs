using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>Pixels as vision encoders take them.</summary>
public static class ImageNormalisation
{
    private const int Channels = 3;

    /// <summary>Makes a batch: (x / 255 - 0.5) / 0.5, on the CPU.</summary>
    /// <param name="images">size * size * 3 bytes each: rows of RGB pixels.</param>
    /// <param name="size">Pixels along each side.</param>
    /// <returns>[B, 3, size, size] fp32 in -1..1.</returns>
    /// <exception cref="ArgumentException">An image is of another length.</exception>
    public static Tensor FromRgb(byte[][] images, int size)
    {
        var plane = size * size;
        var pixels = new float[images.Length * Channels * plane];
        for (var i = 0; i < images.Length; i++)
        {
            if (images[i].Length != Channels * plane)
            {
                throw new ArgumentException($"image {i} has {images[i].Length} bytes, not {Channels * plane}", nameof(images));
            }

            for (var k = 0; k < plane; k++)
            {
                for (var c = 0; c < Channels; c++)
                {
                    pixels[(((i * Channels) + c) * plane) + k] = (images[i][(k * Channels) + c] / 127.5f) - 1;
                }
            }
        }

        return tensor(pixels, [images.Length, Channels, size, size]);
    }
}
