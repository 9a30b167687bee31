using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace VisualPriors.Models.Operators;

/// <summary>An element type that CPU kernels compute on, sixteen at a time, in fp32.</summary>
/// <typeparam name="TSelf">The type itself, as it lies in memory.</typeparam>
internal unsafe interface ICpuElement<TSelf>
    where TSelf : unmanaged, ICpuElement<TSelf>
{
    /// <summary>Reads sixteen elements.</summary>
    public static abstract Vector512<float> Load(TSelf* source);

    /// <summary>Writes sixteen elements, rounded to the nearest (ties to even).</summary>
    public static abstract void Store(Vector512<float> value, TSelf* destination);
}

/// <summary>32-bit floating point.</summary>
internal readonly unsafe struct Fp32 : ICpuElement<Fp32>
{
#pragma warning disable IDE0051, CS0169 // gives the structure its size
    private readonly float _value;
#pragma warning restore IDE0051, CS0169

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(Fp32* source) => Vector512.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, Fp32* destination) => value.Store((float*)destination);
}

/// <summary>bfloat16: the upper half of a 32-bit floating-point number.</summary>
internal readonly unsafe struct Bf16 : ICpuElement<Bf16>
{
#pragma warning disable IDE0051, CS0169 // gives the structure its size
    private readonly ushort _value;
#pragma warning restore IDE0051, CS0169

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(Bf16* source) =>
        (Vector512.WidenLower(Vector256.Load((ushort*)source).ToVector512Unsafe()) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, Bf16* destination)
    {
        // NaN stays NaN: a payload in the lower half alone would be rounded away, so its quiet bit is set as well.
        var bits = value.AsUInt32();
        var rounded = bits + Vector512.Create(0x7fffu) + ((bits >>> 16) & Vector512.Create(1u));
        bits = Vector512.ConditionalSelect(Vector512.IsNaN(value).AsUInt32(), bits | Vector512.Create(0x400000u), rounded) >>> 16;
        var narrow = Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(bits) : Vector512.Narrow(bits, bits).GetLower();
        narrow.Store((ushort*)destination);
    }
}
