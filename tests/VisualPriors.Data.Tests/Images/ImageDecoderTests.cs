using System.Buffers.Binary;
using SkiaSharp;
using VisualPriors.Api.Errors;
using VisualPriors.Data.Images;
using VisualPriors.Data.Tests.Text;

namespace VisualPriors.Data.Tests.Images;

public sealed class ImageDecoderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_the_encoder_writes_comes_back_to_the_byte()
    {
        var rgb = new byte[64 * 64 * 3];
        new Random(1).NextBytes(rgb);
        ImageEncoder.WritePng(_folder.Path("x.png"), rgb, 64);

        Assert.Equal(rgb, ImageDecoder.DecodeRgb(_folder.Path("x.png"), 64));
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Png, 1)]
    [InlineData(SKEncodedImageFormat.Webp, 6)]
    [InlineData(SKEncodedImageFormat.Jpeg, 6)]
    public void A_wide_image_is_padded_above_and_below(SKEncodedImageFormat format, int tolerance)
    {
        using var bitmap = new SKBitmap(64, 32);
        bitmap.Erase(new SKColor(200, 40, 60));
        var path = Save(bitmap, format, 95);

        var rgb = ImageDecoder.DecodeRgb(path, 32);

        AssertNear([127, 127, 127], rgb.AsSpan(PixelAt(16, 2, 32), 3), 0);
        AssertNear([127, 127, 127], rgb.AsSpan(PixelAt(16, 29, 32), 3), 0);
        AssertNear([200, 40, 60], rgb.AsSpan(PixelAt(2, 16, 32), 3), tolerance);
        AssertNear([200, 40, 60], rgb.AsSpan(PixelAt(29, 16, 32), 3), tolerance);
    }

    [Fact]
    public void Padding_shows_through_transparent_pixels()
    {
        using var bitmap = new SKBitmap(8, 8);
        bitmap.Erase(SKColors.Transparent);

        Assert.All(ImageDecoder.DecodeRgb(Save(bitmap, SKEncodedImageFormat.Png, 100), 8), value => Assert.Equal(ImageDecoder.Padding, value));
    }

    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(2, 1, 0)]
    [InlineData(3, 1, 1)]
    [InlineData(4, 0, 1)]
    [InlineData(5, 0, 0)]
    [InlineData(6, 1, 0)]
    [InlineData(7, 1, 1)]
    [InlineData(8, 0, 1)]
    public void An_image_that_a_camera_noted_as_turned_stands_upright(int orientation, int right, int bottom)
    {
        // One corner is white: EXIF says where it belongs.
        using var bitmap = new SKBitmap(32, 32);
        bitmap.Erase(SKColors.Black);
        bitmap.Erase(SKColors.White, SKRectI.Create(0, 0, 16, 16));
        var path = Save(bitmap, SKEncodedImageFormat.Jpeg, 100);
        File.WriteAllBytes(path, WithOrientation(File.ReadAllBytes(path), orientation));

        var rgb = ImageDecoder.DecodeRgb(path, 32);

        for (var quadrant = 0; quadrant < 4; quadrant++)
        {
            var (x, y) = (quadrant % 2, quadrant / 2);
            var isWhite = rgb[PixelAt(8 + (16 * x), 8 + (16 * y), 32)] > 127;
            Assert.Equal((x, y) == (right, bottom), isWhite);
        }
    }

    [Fact]
    public void A_header_that_claims_a_giant_is_refused_before_memory_is_taken()
    {
        using var bitmap = new SKBitmap(8, 8);
        var path = Save(bitmap, SKEncodedImageFormat.Png, 100);
        var bytes = File.ReadAllBytes(path);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(16), 60_000);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(20), 60_000);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(29), Crc(bytes.AsSpan(12, 17)));
        File.WriteAllBytes(path, bytes);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => ImageDecoder.DecodeRgb(path, 32)).Errors);

        Assert.Contains("60000x60000", error.Found, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("text")]
    [InlineData("truncated")]
    [InlineData("gif")]
    [InlineData("animation")]
    public void What_is_no_whole_still_image_is_refused_by_name(string what)
    {
        var path = _folder.Path(what);
        using var bitmap = new SKBitmap(64, 64);
        for (var i = 0; i < 64 * 64; i++)
        {
            bitmap.SetPixel(i % 64, i / 64, new SKColor((uint)(i * 2654435761L) | 0xFF000000));
        }

        var png = File.ReadAllBytes(Save(bitmap, SKEncodedImageFormat.Png, 100));
        byte[]? bytes = what switch
        {
            "empty" => [],
            "text" => "no image at all"u8.ToArray(),
            "truncated" => png[..(png.Length / 2)],
            "gif" => Convert.FromBase64String("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"),
            "animation" => AnimatedWebp(File.ReadAllBytes(Save(bitmap, SKEncodedImageFormat.Webp, 100))),
            _ => null,
        };
        if (bytes is not null)
        {
            File.WriteAllBytes(path, bytes);
        }

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => ImageDecoder.DecodeRgb(path, 32)).Errors);

        Assert.Equal(path, error.File);
        Assert.Equal(what == "animation", error.Found.Contains("animation", StringComparison.Ordinal));
    }

    private string Save(SKBitmap bitmap, SKEncodedImageFormat format, int quality)
    {
        var path = _folder.Path($"{Guid.NewGuid():N}.{format}");
        using var data = bitmap.Encode(format, quality);
        File.WriteAllBytes(path, data.ToArray());
        return path;
    }

    private static int PixelAt(int x, int y, int size) => ((y * size) + x) * 3;

    private static void AssertNear(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, int tolerance)
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.InRange(actual[i], expected[i] - tolerance, expected[i] + tolerance);
        }
    }

    /// <summary>Inserts an EXIF segment with one entry, the orientation, after the start of a JPEG.</summary>
    private static byte[] WithOrientation(byte[] jpeg, int orientation)
    {
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, (byte)'E', (byte)'x', (byte)'i', (byte)'f', 0, 0,
            (byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8,
            0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0,
            0, 0, 0, 0,
        ];
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }

    /// <summary>An animated WebP of the same frame twice.</summary>
    private static byte[] AnimatedWebp(byte[] still)
    {
        // The bitstream chunk of the still image: VP8 or VP8L, perhaps inside an extended file.
        var at = 12;
        while (!still.AsSpan(at, 4).StartsWith("VP8 "u8) && !still.AsSpan(at, 4).StartsWith("VP8L"u8))
        {
            at += 8 + ((BinaryPrimitives.ReadInt32LittleEndian(still.AsSpan(at + 4)) + 1) & ~1);
        }

        var image = still[at..(at + 8 + ((BinaryPrimitives.ReadInt32LittleEndian(still.AsSpan(at + 4)) + 1) & ~1))];
        byte[] frame = Chunk("ANMF", [0, 0, 0, 0, 0, 0, 63, 0, 0, 63, 0, 0, 100, 0, 0, 0, .. image]);
        byte[] body =
        [
            .. "WEBP"u8,
            .. Chunk("VP8X", [0b0000_0010, 0, 0, 0, 63, 0, 0, 63, 0, 0]),
            .. Chunk("ANIM", [0, 0, 0, 0, 0, 0]),
            .. frame,
            .. frame,
        ];
        return Chunk("RIFF", body);
    }

    private static byte[] Chunk(string name, byte[] body)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, body.Length);
        return [.. System.Text.Encoding.ASCII.GetBytes(name), .. length, .. body];
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }
}
