using TorchSharp.Modules;
using VisualPriors.Models.Operators;
using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>
/// A Llama-style decoder: token embedding, pre-norm blocks (rotary grouped-query attention, SwiGLU), a final RMSNorm and an untied output
/// head; no biases, no dropout. Shapes in comments: B sequences, T positions, D hidden size, V vocabulary.
/// </summary>
public sealed class Decoder : nn.Module
{
    private const double InitialDeviation = 0.02;
    private readonly Parameter _embedding; // [V, D]
    private readonly ModuleList<DecoderBlock> _blocks;
    private readonly Parameter _norm; // [D]
    private readonly Parameter _head; // [V, D]
    private readonly RotaryEmbedding _rotary;

    /// <summary>Makes a decoder whose weights are not set yet: call <see cref="Initialise"/> or load them.</summary>
    /// <param name="configuration">Its shape.</param>
    /// <param name="device">Where it lives; <c>meta</c> allocates nothing.</param>
    /// <param name="dtype">Element type of weights and activations.</param>
    public Decoder(DecoderConfiguration configuration, Device device, ScalarType dtype)
        : base(nameof(Decoder))
    {
        Configuration = configuration;
        Device = device;
        var dimensions = configuration.Dimensions;
        _embedding = new Parameter(empty(configuration.VocabularySize, dimensions.HiddenSize, dtype, device));
        _blocks = nn.ModuleList(
            Enumerable.Range(0, dimensions.Layers).Select(layer => new DecoderBlock(configuration, layer, device, dtype)).ToArray());
        _norm = new Parameter(ones(dimensions.HiddenSize, dtype, device));
        _head = new Parameter(empty(configuration.VocabularySize, dimensions.HiddenSize, dtype, device));
        _rotary = new RotaryEmbedding(configuration.HeadSize, dimensions.RopeTheta, device);
        register_parameter("embedding", _embedding);
        register_module("blocks", _blocks);
        register_parameter("norm", _norm);
        register_parameter("head", _head);
    }

    /// <summary>Its shape.</summary>
    public DecoderConfiguration Configuration { get; }

    /// <summary>Where it lives.</summary>
    public Device Device { get; }

    /// <summary>Runs every block when there is no cache, with the block's number, the block and its input; null runs them as they are. For training with shared-out parameters.</summary>
    public Func<int, Func<Tensor, Tensor>, Tensor, Tensor>? BlockExecution { get; set; }

    /// <summary>Sets every matrix to normal random numbers of deviation 0.02 (paper.md 1.2) and every norm to one. The same seed gives the same weights.</summary>
    public void Initialise(long seed) => Initialisation.Normal(this, seed, InitialDeviation);

    /// <summary>Looks tokens up.</summary>
    /// <param name="tokens">[B, T] int64.</param>
    /// <returns>[B, T, D].</returns>
    public Tensor Embed(Tensor tokens) => TokenEmbedding.Apply(_embedding, tokens);

    /// <summary>Runs the blocks and the final norm.</summary>
    /// <param name="embeddings">[B, T, D]: tokens, images, or both.</param>
    /// <param name="cache">Keys and values of earlier positions, extended by these; null when the sequence begins here.</param>
    /// <param name="mask">Broadcastable to [B, 1, T, cached + T], true where attention is allowed; null means causal attention.</param>
    /// <returns>[B, T, D].</returns>
    public Tensor Hidden(Tensor embeddings, KeyValueCache? cache = null, Tensor? mask = null)
    {
        var past = cache?.Length ?? 0;
        var (cosines, sines) = _rotary.Tables(past, embeddings.size(1));
        if (mask is null && past > 0 && embeddings.size(1) > 1)
        {
            mask = ones(embeddings.size(1), past + embeddings.size(1), ScalarType.Bool, Device).tril(past);
        }

        var x = embeddings;
        for (var layer = 0; layer < _blocks.Count; layer++)
        {
            var block = _blocks[layer];
            x = BlockExecution is { } run && cache is null
                ? run(layer, input => block.Forward(input, cosines, sines, null, mask), x)
                : block.Forward(x, cosines, sines, cache, mask);
        }

        return RmsNorm.Apply(x, _norm, Configuration.Dimensions.RmsNormEpsilon);
    }

    /// <summary>Scores of every next token.</summary>
    /// <param name="hidden">[..., D], as <see cref="Hidden"/> returns it.</param>
    /// <returns>[..., V].</returns>
    public Tensor Logits(Tensor hidden) => nn.functional.linear(hidden, _head);

    /// <summary>Cross-entropy of every row, differentiable; never more than a chunk of logits is held.</summary>
    /// <param name="hidden">[N, D].</param>
    /// <param name="labels">[N] int64; -100 where there is nothing to learn.</param>
    /// <returns>[N] fp32, 0 where the label is -100.</returns>
    public Tensor TokenLosses(Tensor hidden, Tensor labels) => LinearCrossEntropy.Apply(hidden, _head, labels);
}
