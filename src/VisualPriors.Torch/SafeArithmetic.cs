using TorchSharp;
using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>
/// Arithmetic for code that runs often. TorchSharp's own <c>a + b</c>, <c>a - b</c>, <c>x / 2.0</c>, <c>clamp_min(0)</c> and the like make a
/// <see cref="Scalar"/> that nothing holds on to: a garbage collection between taking its address and reading it frees it under libtorch's
/// hands, and a step in some thousands fails or computes with rubbish (seen; TorchSharp issue 1496 is about the same objects). Here
/// every scalar is held. Products and quotients of two tensors have no scalar and are safe as they are.
/// </summary>
public static class SafeArithmetic
{
    private static readonly Scalar Zero = 0;
    private static readonly Scalar One = 1;
    private static readonly Scalar MinusOne = -1;

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);

    /// <summary>a - b.</summary>
    public static Tensor Minus(this Tensor a, Tensor b) => a.add(b, MinusOne);

    /// <summary>Adds b to a, in place.</summary>
    public static Tensor PlusInPlace(this Tensor a, Tensor b) => a.add_(b, One);

    /// <summary>Adds rows of a source to the rows of a that an index names, in place.</summary>
    public static Tensor AddRowsInPlace(this Tensor a, Tensor rows, Tensor source) => a.index_add_(0, rows, source, One);

    /// <summary>a times a number.</summary>
    public static Tensor Times(this Tensor a, double factor)
    {
        Scalar scalar = factor;
        var result = a.mul(scalar);
        GC.KeepAlive(scalar);
        return result;
    }

    /// <summary>a, and zero where it is negative.</summary>
    public static Tensor AtLeastZero(this Tensor a) => a.clamp_min(Zero);

    /// <summary>Where a has a value: boolean.</summary>
    public static Tensor Is(this Tensor a, long value)
    {
        Scalar scalar = value;
        var result = a.eq(scalar);
        GC.KeepAlive(scalar);
        return result;
    }
}
