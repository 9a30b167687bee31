using VisualPriors.Api.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Planning;

/// <summary>What a training run takes on a kind of GPU, with one model: its own, or one of the paper's scales in its place.</summary>
public sealed record RunEstimate
{
    /// <summary>Name of the run.</summary>
    public required string Run { get; init; }

    /// <summary>Kind of the run.</summary>
    public required string Kind { get; init; }

    /// <summary>Preset's name; null for explicit dimensions.</summary>
    public string? Preset { get; init; }

    /// <summary>Whether it is the run's own model.</summary>
    public required bool IsOwnModel { get; init; }

    /// <summary>Parameters of the decoder, counted exactly.</summary>
    public required long Parameters { get; init; }

    /// <summary>Processes, one for each GPU.</summary>
    public required int Gpus { get; init; }

    /// <summary>As the manifest says it.</summary>
    public required MemoryOption AsWritten { get; init; }

    /// <summary>
    /// The lowest ZeRO stage that fits, at the manifest's micro-batch or, where that is null or too large, at the largest that fits; null
    /// where none does.
    /// </summary>
    public MemoryOption? Cheapest { get; init; }

    /// <summary>Memory as the manifest says it, but with the other choice of activation checkpointing; null where ZeRO 3 leaves no choice.</summary>
    public MemoryOption? OtherCheckpointing { get; init; }

    /// <summary>Estimate: speed of the cheapest option that fits, else of what the manifest says.</summary>
    public required ThroughputEstimate Throughput { get; init; }

    /// <summary>Tokens of the run; null where only its data say.</summary>
    public long? Tokens { get; init; }

    /// <summary>Estimate: seconds for the run's tokens.</summary>
    public double? Seconds { get; init; }

    /// <summary>A checkpoint of the optimizer state: masters and moments, fp32.</summary>
    public required long CheckpointBytes { get; init; }

    /// <summary>Estimates for a run: its own model first, then presets.</summary>
    /// <param name="run">A validated training run.</param>
    /// <param name="runs">The manifest's runs.</param>
    /// <param name="vocabularySize">Rows of the embedding.</param>
    /// <param name="presets">Presets to put in the place of a <see cref="PretrainRun"/>'s own model.</param>
    /// <param name="gpu">The kind of GPU.</param>
    /// <exception cref="OverflowException">Sizes are beyond any machine's.</exception>
    public static IEnumerable<RunEstimate> Of(Run run, IReadOnlyList<Run> runs, int vocabularySize, IEnumerable<string> presets, GpuSpecification gpu)
    {
        var decoder = run;
        while (RunGraph.UpstreamOf(decoder, runs) is { } upstream)
        {
            decoder = upstream;
        }

        var model = ((PretrainRun)decoder).Spec.Model;
        yield return Of(run, model.Preset, model.Dimensions ?? DecoderPresets.All[model.Preset!], isOwn: true, vocabularySize, gpu);
        foreach (var preset in run is PretrainRun ? presets.Where(preset => preset != model.Preset) : [])
        {
            yield return Of(run, preset, DecoderPresets.All[preset], isOwn: false, vocabularySize, gpu);
        }
    }

    private static RunEstimate Of(Run run, string? preset, DecoderDimensions model, bool isOwn, int vocabularySize, GpuSpecification gpu)
    {
        var (length, global, micro, tokens, trains) = run switch
        {
            PretrainRun { Spec.Training: var t } => (
                t.SequenceLength, t.GlobalBatchSize, t.MicroBatchSize, (long?)StageSteps.Of(t) * t.SequenceLength * t.GlobalBatchSize, TrainedParts.Decoder),
            AlignRun { Spec.Training: var t } => (t.MaximumLength, t.GlobalBatchSize, t.MicroBatchSize, null, TrainedParts.Projector),
            SftRun { Spec.Training: var t } => (t.MaximumLength, t.GlobalBatchSize, t.MicroBatchSize, null, TrainedParts.ProjectorAndDecoder),
            _ => throw new ArgumentException($"a {run.Kind} trains nothing", nameof(run)),
        };
        var share = Math.Max(1, global / run.Compute.WorldSize);
        var setup = new TrainingSetup
        {
            Model = model,
            VocabularySize = vocabularySize,
            SequenceLength = length,
            MicroBatchSize = micro ?? share,
            Compute = run.Compute,
            Trains = trains,
        };
        var cheapest = FindCheapest(setup, share, gpu);
        var throughput = ThroughputEstimate.Of(cheapest is null ? setup : With(setup, cheapest), gpu);
        return new RunEstimate
        {
            Run = run.Metadata.Name,
            Kind = run.Kind,
            Preset = preset,
            IsOwnModel = isOwn,
            Parameters = DecoderSize.Of(model, vocabularySize).Total,
            Gpus = run.Compute.WorldSize,
            AsWritten = MemoryOption.Of(setup, gpu),
            OtherCheckpointing = run.Compute.Sharding.ZeroStage == 3
                ? null
                : MemoryOption.Of(setup with { Compute = run.Compute with { ActivationCheckpointing = !run.Compute.ActivationCheckpointing } }, gpu),
            Cheapest = cheapest,
            Throughput = throughput,
            Tokens = tokens,
            Seconds = throughput.TimeFor(tokens)?.TotalSeconds,
            CheckpointBytes = MemoryEstimate.CheckpointBytes(setup),
        };
    }

    private static MemoryOption? FindCheapest(TrainingSetup setup, int share, GpuSpecification gpu) => Enumerable.Range(0, 4)
        .SelectMany(stage => Divisors(share).Where(size => size <= setup.MicroBatchSize).Select(size => MemoryOption.Of(
            setup with { MicroBatchSize = size, Compute = setup.Compute with { Sharding = setup.Compute.Sharding with { ZeroStage = stage } } }, gpu)))
        .FirstOrDefault(option => option.Fits);

    /// <summary>The divisors of a number, the largest first.</summary>
    private static IEnumerable<int> Divisors(int number)
    {
        var small = Enumerable.Range(1, (int)Math.Sqrt(number)).Where(divisor => number % divisor == 0).ToList();
        return small.Concat(small.Select(divisor => number / divisor)).Distinct().OrderDescending();
    }

    private static TrainingSetup With(TrainingSetup setup, MemoryOption option) => setup with
    {
        MicroBatchSize = option.MicroBatchSize,
        Compute = setup.Compute with { Sharding = setup.Compute.Sharding with { ZeroStage = option.ZeroStage } },
    };
}

/// <summary>One way to share out and to batch, and what it takes of each GPU's memory.</summary>
/// <param name="ZeroStage">ZeRO stage.</param>
/// <param name="ActivationCheckpointing">Whether blocks are computed again in the backward pass.</param>
/// <param name="MicroBatchSize">Sequences of one pass of one process.</param>
/// <param name="Memory">Its parts.</param>
/// <param name="Fits">Whether it fits.</param>
public sealed record MemoryOption(
    int ZeroStage, bool ActivationCheckpointing, int MicroBatchSize, MemoryEstimate Memory, bool Fits)
{
    /// <summary>A set-up as an option.</summary>
    internal static MemoryOption Of(TrainingSetup setup, GpuSpecification gpu)
    {
        var memory = MemoryEstimate.Of(setup);
        return new MemoryOption(setup.Compute.Sharding.ZeroStage, setup.Recomputes, setup.MicroBatchSize, memory, memory.Fits(gpu));
    }
}
