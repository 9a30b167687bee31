using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Planning;

/// <summary>
/// Memory of one process, in bytes. What weights, masters, moments, gradients and communication take is counted exactly, from the sizes
/// that the sharded optimizer allocates; activations and the loss's buffers are estimates, from the tensors that the operators save.
/// </summary>
public sealed record MemoryEstimate
{
    private const int Fp32 = 4;
    private const int Buffers = 2; // that ZeRO 2's gradients and ZeRO 3's gathered blocks take turns in
    private const int Alignment = 64; // elements that a parameter's place in a unit, and a shard, are a multiple of

    /// <summary>Most elements of gradient by logits that the loss keeps for the backward pass; beyond, it computes them again.</summary>
    private const long KeptLogits = 1L << 25;

    /// <summary>Logits of a block, where they are not kept.</summary>
    private const long BlockLogits = 1L << 21;

    /// <summary>Width and parameters of the vision encoder that is assumed where none is prepared: MetaCLIP-B/16, the paper's default.</summary>
    private const long EncoderWidth = 768;
    private const long EncoderParameters = 86_000_000;

    /// <summary>Weights that are computed with.</summary>
    public required long Weights { get; init; }

    /// <summary>The shard of the fp32 masters.</summary>
    public required long Masters { get; init; }

    /// <summary>The shard of AdamW's two fp32 moments.</summary>
    public required long Moments { get; init; }

    /// <summary>The shard of the reduced fp32 gradients and, up to ZeRO 1, all of the gradients before reduction.</summary>
    public required long Gradients { get; init; }

    /// <summary>Buffers of ZeRO 2 for gradients in reduction, of ZeRO 3 also for gathered blocks.</summary>
    public required long Communication { get; init; }

    /// <summary>Estimate of what is kept for the backward pass, and of what that makes of it on the way.</summary>
    public required long Activations { get; init; }

    /// <summary>The part of <see cref="Activations"/> that the loss holds at its peak: kept logits, the head's gradient.</summary>
    public required long Loss { get; init; }

    /// <summary>All of it.</summary>
    public long Total => checked(Weights + Masters + Moments + Gradients + Communication + Activations);

    /// <summary>Whether it fits a GPU, a twentieth of which is left for CUDA's context, NCCL's own buffers and gaps (an assumption).</summary>
    public bool Fits(GpuSpecification gpu) => Total <= gpu.MemoryBytes / 20 * 19;

    /// <summary>Estimates a set-up.</summary>
    /// <exception cref="OverflowException">Sizes are beyond any machine's.</exception>
    public static MemoryEstimate Of(TrainingSetup setup)
    {
        checked
        {
            var decoder = DecoderSize.Of(setup.Model, setup.VocabularySize);
            var shards = setup.Shards;
            var element = setup.Compute.Precision == Precision.Bf16 ? 2 : Fp32;
            var stage = setup.Compute.Sharding.ZeroStage;
            var isShared = shards > 1;

            var block = ShardOf(decoder.Block, shards);
            var others = new List<long>(); // shards of the trained units that are no blocks
            long frozen = 0;
            if (setup.Trains != TrainedParts.Decoder)
            {
                var width = (long)setup.Model.HiddenSize;
                others.Add(ShardOf([width * EncoderWidth, width, width * width, width], shards));
                frozen = EncoderParameters;
            }

            var trainsDecoder = setup.Trains != TrainedParts.Projector;
            if (trainsDecoder)
            {
                others.AddRange([ShardOf(decoder.Embedding, shards), ShardOf(decoder.Head, shards)]);
            }
            else
            {
                frozen += decoder.Total;
            }

            var blocks = trainsDecoder ? decoder.Layers : 0;
            var shard = (blocks * block) + others.Sum();
            var gathers = stage == 3 && isShared && trainsDecoder;
            var longest = trainsDecoder ? Math.Max(block, others.Max()) : others.Max();
            var reducesInTurn = stage >= 2 && isShared;
            var (activations, loss) = ActivationsOf(setup, decoder, element);
            return new MemoryEstimate
            {
                Weights = (((gathers ? 1 : shards) * blocks * block) + (shards * others.Sum()) + frozen) * element,
                Masters = shard * Fp32,
                Moments = 2 * shard * Fp32,
                Gradients = (shard + (isShared && !reducesInTurn ? shards * shard : 0)) * Fp32,
                Communication = (reducesInTurn ? Buffers * (shards + 1) * longest * Fp32 : 0) + (gathers ? Buffers * shards * block * element : 0),
                Activations = activations,
                Loss = loss,
            };
        }
    }

    /// <summary>Bytes of the state that a checkpoint holds, all ranks' together: masters and two moments.</summary>
    public static long CheckpointBytes(TrainingSetup setup) => 3 * Of(setup with { Compute = new ComputeSpec { Sharding = new() { ZeroStage = 0 } } }).Masters;

    private static long ShardOf(IEnumerable<long> parameters, int shards) =>
        RoundUp((parameters.Sum(RoundUp) + shards - 1) / shards);

    private static long RoundUp(long elements) => (elements + Alignment - 1) / Alignment * Alignment;

    /// <summary>
    /// The larger of two peaks: when the loss goes backward, with everything kept; and when the last block does, with its own gradients
    /// (and, recomputed, its own activations) beside what is kept.
    /// </summary>
    private static (long Activations, long Loss) ActivationsOf(TrainingSetup setup, DecoderSize decoder, int element)
    {
        checked
        {
            var shape = setup.Model;
            var tokens = (long)setup.MicroBatchSize * setup.SequenceLength;
            var (width, inner, heads) = ((long)shape.HiddenSize, (long)shape.FeedForwardSize, (long)shape.Heads);
            var keyValueWidth = width / heads * shape.KeyValueHeads;

            // Inputs of norms and products: block, norm, projection, rotated query and key, mixed values, residual, norm, gate and up, silu, product.
            var inBlock = tokens * ((element * ((7 * width) + (3 * keyValueWidth) + (4 * inner))) + (Fp32 * (heads + 2)));
            var backward = tokens * element * ((2 * width) + (3 * inner));
            var blockInput = tokens * element * width;
            var kept = (setup.Recomputes ? shape.Layers * blockInput : shape.Layers * inBlock) + (2 * blockInput);

            var head = decoder.Head[0];
            var logits = tokens * setup.VocabularySize;
            var trainsHead = setup.Trains != TrainedParts.Projector;
            var loss = logits <= KeptLogits
                ? (logits * element) + blockInput + (trainsHead ? head * element : 0)
                : (Math.Min(logits, Math.Max(BlockLogits, setup.VocabularySize)) * (element + (2 * Fp32))) + blockInput + (trainsHead ? head * (Fp32 + element) : 0);
            return (kept + Math.Max(loss, backward + (setup.Recomputes ? inBlock : 0)), loss);
        }
    }
}
