using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>
/// The safetensors layout, as both reader and writer know it: an unsigned 64-bit little-endian header length, a JSON header
/// (<c>{"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}</c>, padded with spaces), then the tensors' bytes without gaps.
/// </summary>
internal static class SafetensorsFormat
{
    /// <summary>Key of the header's string-to-string metadata.</summary>
    public const string MetadataKey = "__metadata__";

    /// <summary>Longest header allowed, as in the reference implementation.</summary>
    public const long MaximumHeaderLength = 100_000_000;

    private static readonly (string Name, ScalarType Type, int Size)[] Types =
    [
        ("F64", ScalarType.Float64, 8), ("F32", ScalarType.Float32, 4), ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("I16", ScalarType.Int16, 2), ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    /// <summary>Element type by its name in a header, or null.</summary>
    public static (ScalarType Type, int Size)? TypeOf(string name) =>
        Array.Find(Types, t => t.Name == name) is { Name: not null } found ? (found.Type, found.Size) : null;

    /// <summary>Name in a header and size in bytes of an element type.</summary>
    /// <exception cref="NotSupportedException">The format has no such type.</exception>
    public static (string Name, int Size) NameOf(ScalarType type) =>
        Array.Find(Types, t => t.Type == type) is { Name: not null } found
            ? (found.Name, found.Size)
            : throw new NotSupportedException($"safetensors has no {type}");

    /// <summary>The bytes of a contiguous CPU tensor, from <paramref name="offset"/> on, at most <paramref name="length"/> of them.</summary>
    public static unsafe Span<byte> Bytes(Tensor tensor, long offset, int length) => new((byte*)TensorMemory.Address(tensor) + offset, length);
}
