using VisualPriors.Api.Resources;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>Precisions as element types.</summary>
public static class PrecisionTypes
{
    /// <summary>Element type of the compute copies.</summary>
    public static ScalarType ToScalarType(this Precision precision) => precision switch
    {
        Precision.Bf16 => ScalarType.BFloat16,
        Precision.Fp32 => ScalarType.Float32,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "no such precision"),
    };
}
