namespace VisualPriors.Api.Planning;

/// <summary>What a GPU model can do, as its maker states it.</summary>
/// <param name="Name">The name that <c>--gpu</c> takes.</param>
/// <param name="MemoryBytes">Memory; a maker's gigabyte is 10^9 bytes.</param>
/// <param name="PeakFlops">Dense bf16 matrix products, FLOP/s (makers like to print twice that, for sparse ones).</param>
/// <param name="Utilisation">
/// Share of the peak that training is taken to reach (model FLOPs utilisation), an assumption: what the best public stacks reach at 1B to
/// 13B. MosaicML's llm-foundry benchmarks: 40 to 46 % on H100, 60 to 64 % on A100; ours for the latter is 50 %, without fused kernels.
/// </param>
public sealed record GpuSpecification(string Name, long MemoryBytes, double PeakFlops, double Utilisation)
{
    /// <summary>
    /// Every GPU by name. Peak and memory: NVIDIA's data sheets (H100 SXM5 989.4 TFLOP/s and 80 GB; H200 the same chip with 141 GB; A100 SXM4
    /// 312 TFLOP/s with 40 or 80 GB; L40S 362 TFLOP/s and 48 GB; B200, as in HGX B200, 2,250 TFLOP/s and 180 GB). B200's and L40S's
    /// utilisation is INFERRED: H100's.
    /// </summary>
    public static IReadOnlyDictionary<string, GpuSpecification> All { get; } = new GpuSpecification[]
    {
        new("h100", 80_000_000_000, 989.4e12, 0.40),
        new("h200", 141_000_000_000, 989.4e12, 0.40),
        new("a100", 80_000_000_000, 312e12, 0.50),
        new("a100-40gb", 40_000_000_000, 312e12, 0.50),
        new("b200", 180_000_000_000, 2250e12, 0.40),
        new("l40s", 48_000_000_000, 362e12, 0.40),
    }.ToDictionary(gpu => gpu.Name, StringComparer.Ordinal);
}
