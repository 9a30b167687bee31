using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace VisualPriors.Models.Operators;

/// <summary>What the managed CPU kernels have in common. Every operator that has one asks <see cref="Take"/> and else uses tensor operations.</summary>
internal static class CpuKernels
{
    /// <summary>Elements that a kernel works on at once: every row is a multiple of it long.</summary>
    public const int Lanes = 16;

    /// <summary>Fewest elements worth a second thread.</summary>
    private const long GrainElements = 1 << 13;

    /// <summary>Whether kernels take a tensor cut into rows of a length; everything else (GPUs, odd sizes) goes the way of tensor operations.</summary>
    public static bool Take(Tensor tensor, long rowLength) =>
        tensor.device_type == TorchSharp.DeviceType.CPU && tensor.dtype is ScalarType.BFloat16 or ScalarType.Float32 && rowLength % Lanes == 0;

    /// <summary>Fewest rows worth a second thread.</summary>
    public static long Grain(long rowLength) => Math.Max(1, GrainElements / rowLength);

    /// <summary>e to the power of every element, within 2 units in the last place; below -87 it is about 1e-38, never 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor polynomial (the next term is below 2^-26); 2^n through the exponent's bits.
        x = Vector512.Min(Vector512.Max(x, Vector512.Create(-87f)), Vector512.Create(88f));
        var n = Vector512.Round(x * 1.44269504f);
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693145752f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-1.42860677e-6f), r);
        var power = Vector512.Create(1f / 5040);
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1f / 720));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1f / 120));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1f / 24));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1f / 6));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(0.5f));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512<float>.One);
        power = Vector512.FusedMultiplyAdd(power, r, Vector512<float>.One);
        return power * ((Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23).AsSingle();
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + Exp(-x));

    /// <summary>The greatest element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> values)
    {
        var eight = Vector256.Max(values.GetLower(), values.GetUpper());
        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
    }
}
