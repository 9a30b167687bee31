using System.Numerics;
using System.Runtime.CompilerServices;

namespace VisualPriors.Distributed.Communication;

/// <summary>Sums of buffers, as wide as the processor's vectors are.</summary>
internal static unsafe class Summation
{
    /// <summary>destination = left + right. The destination may be one of the two.</summary>
    public static void Add(float* destination, float* left, float* right, long count)
    {
        long i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            (Vector.Load(left + i) + Vector.Load(right + i)).Store(destination + i);
        }

        for (; i < count; i++)
        {
            destination[i] = left[i] + right[i];
        }
    }

    /// <summary>
    /// The same for bf16: added in fp32, rounded to the nearest, ties to even. A NaN stays one: that of a sum of widened numbers has no bits
    /// set in its lower half, so that rounding does not carry over.
    /// </summary>
    public static void AddBFloat16(ushort* destination, ushort* left, ushort* right, long count)
    {
        long i = 0;
        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.Load(left + i), out var leftLow, out var leftHigh);
            Vector.Widen(Vector.Load(right + i), out var rightLow, out var rightHigh);
            Vector.Narrow(AddWidened(leftLow, rightLow), AddWidened(leftHigh, rightHigh)).Store(destination + i);
        }

        for (; i < count; i++)
        {
            destination[i] = Round(BitConverter.UInt32BitsToSingle((uint)left[i] << 16) + BitConverter.UInt32BitsToSingle((uint)right[i] << 16));
        }
    }

    private static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> AddWidened(Vector<uint> left, Vector<uint> right)
    {
        var bits = Vector.AsVectorUInt32(Vector.AsVectorSingle(left << 16) + Vector.AsVectorSingle(right << 16));
        return (bits + new Vector<uint>(0x7FFF) + ((bits >>> 16) & Vector<uint>.One)) >>> 16;
    }
}
