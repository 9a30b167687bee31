using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>
/// Rotary position embedding in Llama's layout: elements i and i + E/2 of a head form a pair, turned by position / theta^(2i/E).
/// </summary>
internal sealed class RotaryEmbedding(int headSize, double theta, Device device)
{
    private (Tensor Cosines, Tensor Sines)? _tables; // [capacity, E/2] each, fp32
    private long _capacity;

    /// <summary>Cosines and sines of positions <paramref name="start"/> to <paramref name="start"/> + <paramref name="length"/> - 1, [length, E/2] each, fp32.</summary>
    public (Tensor Cosines, Tensor Sines) Tables(long start, long length)
    {
        if (_tables is null || start + length > _capacity)
        {
            _capacity = Math.Max(start + length, 2 * _capacity);
            Grow();
        }

        var (cosines, sines) = _tables!.Value;
        return (cosines.narrow(0, start, length), sines.narrow(0, start, length));
    }

    /// <summary>Turns every head.</summary>
    /// <param name="x">[B, H, T, E].</param>
    /// <param name="cosines">[T, E/2].</param>
    /// <param name="sines">[T, E/2].</param>
    public static Tensor Rotate(Tensor x, Tensor cosines, Tensor sines)
    {
        var halves = x.chunk(2, dim: -1);
        var (a, b) = (halves[0], halves[1]);
        return cat([(a * cosines).Minus(b * sines), (b * cosines).Plus(a * sines)], dim: -1).to(x.dtype);
    }

    private void Grow()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var frequencies = pow(theta, arange(0, headSize, 2, ScalarType.Float64) * (-1.0 / headSize)); // [E/2]
        var angles = outer(arange(_capacity, ScalarType.Float64), frequencies); // [capacity, E/2]
        _tables?.Cosines.Dispose();
        _tables?.Sines.Dispose();
        _tables = (
            angles.cos().to(ScalarType.Float32, device).DetachFromDisposeScope(),
            angles.sin().to(ScalarType.Float32, device).DetachFromDisposeScope());
    }
}
