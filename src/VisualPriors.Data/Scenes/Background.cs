namespace VisualPriors.Data.Scenes;

/// <summary>What a thing stands in front of.</summary>
public enum BackgroundKind
{
    /// <summary>One colour.</summary>
    Solid,

    /// <summary>Two colours, blending along a line.</summary>
    LinearGradient,

    /// <summary>Two colours, blending outward from a point.</summary>
    RadialGradient,

    /// <summary>Smooth noise at one to four scales between two colours.</summary>
    Noise,

    /// <summary>Parallel bands of two colours.</summary>
    Stripes,

    /// <summary>A chequerboard.</summary>
    Checks,

    /// <summary>A few soft-edged discs.</summary>
    Blobs,

    /// <summary>Small plain shapes strewn over a gradient.</summary>
    Clutter,
}

/// <summary>Paints backgrounds, pixel by pixel: the same numbers on every machine.</summary>
internal static class Background
{
    public const int KindCount = 8;

    private readonly record struct Colour(float R, float G, float B)
    {
        public static Colour Mix(Colour a, Colour b, float t) =>
            new(a.R + ((b.R - a.R) * t), a.G + ((b.G - a.G) * t), a.B + ((b.B - a.B) * t));
    }

    /// <summary>Fills an RGB image of size x size pixels.</summary>
    public static void Paint(Span<byte> rgb, int size, BackgroundKind kind, ref SeededRandom random)
    {
        var first = RandomColour(ref random);
        var second = RandomColour(ref random);
        switch (kind)
        {
            case BackgroundKind.Solid:
                Fill(rgb, size, first, first, (_, _) => 0);
                break;
            case BackgroundKind.LinearGradient:
                Fill(rgb, size, first, second, Linear(size, ref random));
                break;
            case BackgroundKind.RadialGradient:
                var (cx, cy, reach) = ((float)random.NextDouble() * size, (float)random.NextDouble() * size, size * (float)random.Between(0.5, 1.2));
                Fill(rgb, size, first, second, (x, y) => MathF.Min(1, Distance(x - cx, y - cy) / reach));
                break;
            case BackgroundKind.Noise:
                Fill(rgb, size, first, second, Noise(size, ref random));
                break;
            case BackgroundKind.Stripes:
                var (angle, period, phase) = (random.Between(0, Math.PI), (float)random.Between(4, 20), (float)random.Between(0, 20));
                var (dx, dy) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
                Fill(rgb, size, first, second, (x, y) => Band(((x * dx) + (y * dy) + phase) / period));
                break;
            case BackgroundKind.Checks:
                var (cell, left, top) = ((float)random.Between(4, 16), (float)random.Between(0, 16), (float)random.Between(0, 16));
                Fill(rgb, size, first, second, (x, y) => (((int)((x + left) / cell) + (int)((y + top) / cell)) & 1));
                break;
            case BackgroundKind.Blobs:
                Fill(rgb, size, first, first, (_, _) => 0);
                for (var n = 3 + random.Below(4); n > 0; n--)
                {
                    Disc(rgb, size, RandomColour(ref random), (float)random.Between(6, 20), soft: true, ref random);
                }

                break;
            case BackgroundKind.Clutter:
                Fill(rgb, size, first, second, Linear(size, ref random));
                for (var n = 5 + random.Below(8); n > 0; n--)
                {
                    var colour = RandomColour(ref random);
                    var radius = (float)random.Between(2, 6);
                    if (random.Below(2) == 0)
                    {
                        Disc(rgb, size, colour, radius, soft: false, ref random);
                    }
                    else
                    {
                        Rectangle(rgb, size, colour, radius, ref random);
                    }
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind));
        }
    }

    /// <summary>Any hue, seldom a screaming one, seldom black.</summary>
    private static Colour RandomColour(ref SeededRandom random)
    {
        var hue = random.NextDouble() * 6;
        var saturation = random.Between(0, 0.75);
        var value = random.Between(0.25, 1);
        return new(Channel(5), Channel(3), Channel(1));

        float Channel(int n)
        {
            var k = (n + hue) % 6;
            return (float)(255 * value * (1 - (saturation * Math.Clamp(Math.Min(k, 4 - k), 0, 1))));
        }
    }

    private static void Fill(Span<byte> rgb, int size, Colour first, Colour second, Func<float, float, float> blend)
    {
        var i = 0;
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                Put(rgb, ref i, Colour.Mix(first, second, blend(x, y)));
            }
        }
    }

    private static Func<float, float, float> Linear(int size, ref SeededRandom random)
    {
        var angle = random.Between(0, 2 * Math.PI);
        var (dx, dy) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
        var middle = size / 2f;
        return (x, y) => Math.Clamp(0.5f + ((((x - middle) * dx) + ((y - middle) * dy)) / size), 0, 1);
    }

    /// <summary>A period of two bands with edges a tenth of it wide.</summary>
    private static float Band(float position)
    {
        var t = Math.Abs((2 * (position - MathF.Floor(position))) - 1);
        return Math.Clamp(((t - 0.5f) * 10) + 0.5f, 0, 1);
    }

    /// <summary>Sum of up to four grids of random values, each interpolated between its points, finer grids weighing less.</summary>
    private static Func<float, float, float> Noise(int size, ref SeededRandom random)
    {
        Span<int> cells = [32, 16, 8, 4];
        var finest = 1 + random.Below(cells.Length);
        var coarsest = random.Below(finest);
        var sum = new float[size * size];
        float weight = 1, total = 0;
        for (var level = coarsest; level < finest; level++)
        {
            AddOctave(sum, size, cells[level], weight, ref random);
            total += weight;
            weight *= 0.6f;
        }

        return (x, y) => sum[((int)y * size) + (int)x] / total;
    }

    private static void AddOctave(float[] sum, int size, int cell, float weight, ref SeededRandom random)
    {
        var points = (size / cell) + 2;
        var values = new float[points * points];
        foreach (ref var value in values.AsSpan())
        {
            value = (float)random.NextDouble();
        }

        for (var y = 0; y < size; y++)
        {
            var (row, v) = (y / cell, Smooth((float)(y % cell) / cell));
            for (var x = 0; x < size; x++)
            {
                var (column, u) = (x / cell, Smooth((float)(x % cell) / cell));
                var at = (row * points) + column;
                var upper = values[at] + ((values[at + 1] - values[at]) * u);
                var lower = values[at + points] + ((values[at + points + 1] - values[at + points]) * u);
                sum[(y * size) + x] += weight * (upper + ((lower - upper) * v));
            }
        }

        static float Smooth(float t) => t * t * (3 - (2 * t));
    }

    private static void Disc(Span<byte> rgb, int size, Colour colour, float radius, bool soft, ref SeededRandom random)
    {
        var (cx, cy) = ((float)random.NextDouble() * size, (float)random.NextDouble() * size);
        Over(rgb, size, colour, (x, y) =>
        {
            var distance = Distance(x - cx, y - cy);
            return soft ? MathF.Exp(-distance * distance / (radius * radius)) : Math.Clamp(radius - distance + 0.5f, 0, 1);
        });
    }

    private static void Rectangle(Span<byte> rgb, int size, Colour colour, float half, ref SeededRandom random)
    {
        var (cx, cy, angle) = ((float)random.NextDouble() * size, (float)random.NextDouble() * size, random.Between(0, Math.PI));
        var (dx, dy, other) = ((float)Math.Cos(angle), (float)Math.Sin(angle), half * (float)random.Between(0.4, 1));
        Over(rgb, size, colour, (x, y) =>
        {
            var along = Math.Abs(((x - cx) * dx) + ((y - cy) * dy));
            var across = Math.Abs(((y - cy) * dx) - ((x - cx) * dy));
            return Math.Clamp(Math.Min(half - along, other - across) + 0.5f, 0, 1);
        });
    }

    private static void Over(Span<byte> rgb, int size, Colour colour, Func<float, float, float> opacity)
    {
        var i = 0;
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                Put(rgb, ref i, Colour.Mix(new(rgb[i], rgb[i + 1], rgb[i + 2]), colour, opacity(x, y)));
            }
        }
    }

    private static void Put(Span<byte> rgb, ref int i, Colour colour)
    {
        rgb[i++] = (byte)(colour.R + 0.5f);
        rgb[i++] = (byte)(colour.G + 0.5f);
        rgb[i++] = (byte)(colour.B + 0.5f);
    }

    private static float Distance(float x, float y) => MathF.Sqrt((x * x) + (y * y));
}
