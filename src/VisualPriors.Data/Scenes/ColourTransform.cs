namespace VisualPriors.Data.Scenes;

/// <summary>An affine change of colour; small, so that a red apple stays red.</summary>
internal readonly struct ColourTransform
{
    /// <summary>Half widths of the ranges drawn from: share, share, share, degrees.</summary>
    private const double Brightness = 0.12, Contrast = 0.2, Saturation = 0.2, Hue = 8;

    private readonly float _rr, _rg, _rb, _gr, _gg, _gb, _br, _bg, _bb, _offset;
    private readonly bool _isIdentity;

    private ColourTransform(double hueDegrees, double saturation, double contrast, double brightness)
    {
        // The weights of luminance and the rotation about the grey axis, as in the SVG filter feColorMatrix (hueRotate, saturate).
        const double Lr = 0.213, Lg = 0.715, Lb = 0.072;
        var (sin, cos) = Math.SinCos(hueDegrees * Math.PI / 180);
        ReadOnlySpan<double> rotation =
        [
            Lr + (cos * (1 - Lr)) - (sin * Lr), Lg - (cos * Lg) - (sin * Lg), Lb - (cos * Lb) + (sin * (1 - Lb)),
            Lr - (cos * Lr) + (sin * 0.143), Lg + (cos * (1 - Lg)) + (sin * 0.140), Lb - (cos * Lb) - (sin * 0.283),
            Lr - (cos * Lr) - (sin * (1 - Lr)), Lg - (cos * Lg) + (sin * Lg), Lb + (cos * (1 - Lb)) + (sin * Lb),
        ];
        ReadOnlySpan<double> luminance = [Lr, Lg, Lb];
        Span<float> matrix = stackalloc float[9];
        for (var i = 0; i < 9; i++)
        {
            matrix[i] = (float)(contrast * ((saturation * rotation[i]) + ((1 - saturation) * luminance[i % 3])));
        }

        (_rr, _rg, _rb) = (matrix[0], matrix[1], matrix[2]);
        (_gr, _gg, _gb) = (matrix[3], matrix[4], matrix[5]);
        (_br, _bg, _bb) = (matrix[6], matrix[7], matrix[8]);
        _offset = (float)((0.5 * (1 - contrast)) + brightness);
    }

    private ColourTransform(bool isIdentity) => _isIdentity = isIdentity;

    /// <summary>Changes nothing.</summary>
    public static ColourTransform None { get; } = new(isIdentity: true);

    /// <summary>A random small change.</summary>
    public static ColourTransform Random(ref SeededRandom random) => new(
        random.Between(-Hue, Hue),
        random.Between(1 - Saturation, 1 + Saturation),
        random.Between(1 - Contrast, 1 + Contrast),
        random.Between(-Brightness, Brightness));

    /// <summary>Changes a premultiplied colour; the result stays within its alpha.</summary>
    public (float R, float G, float B) Apply(byte r, byte g, byte b, byte alpha)
    {
        if (_isIdentity)
        {
            return (r, g, b);
        }

        var offset = _offset * alpha;
        return (
            Math.Clamp((_rr * r) + (_rg * g) + (_rb * b) + offset, 0, alpha),
            Math.Clamp((_gr * r) + (_gg * g) + (_gb * b) + offset, 0, alpha),
            Math.Clamp((_br * r) + (_bg * g) + (_bb * b) + offset, 0, alpha));
    }
}
