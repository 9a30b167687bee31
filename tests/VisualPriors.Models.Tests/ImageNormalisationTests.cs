namespace VisualPriors.Models.Tests;

public sealed class ImageNormalisationTests
{
    [Fact]
    public void Interleaved_bytes_become_planes_between_minus_one_and_one()
    {
        byte[] image = [0, 255, 51, 0, 0, 0, 0, 0, 0, 255, 0, 0]; // 2x2 pixels, RGB
        using var batch = ImageNormalisation.FromRgb([image, new byte[12]], 2);
        Assert.Equal([2, 3, 2, 2], batch.shape);
        float[] expected = [-1, -1, -1, 1, 1, -1, -1, -1, -0.6f, -1, -1, -1];
        Assert.All(expected.Zip(batch[0].contiguous().data<float>().ToArray()), p => Assert.Equal(p.First, p.Second, 1e-6f));
    }

    [Fact]
    public void An_image_of_another_size_is_refused() => Assert.Throws<ArgumentException>(() => ImageNormalisation.FromRgb([new byte[13]], 2));
}
