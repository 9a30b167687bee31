using TorchSharp.Modules;
using VisualPriors.Models.Operators;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>One pre-norm block. Matrices that share an input are one matrix: query, key and value; gate and up.</summary>
internal sealed class DecoderBlock : nn.Module
{
    private readonly DecoderConfiguration _configuration;
    private readonly int _layer;
    private readonly Parameter _attentionNorm; // [D]
    private readonly Parameter _queryKeyValue; // [(H + 2 KV) E, D]
    private readonly Parameter _attentionOutput; // [D, H E]
    private readonly Parameter _feedForwardNorm; // [D]
    private readonly Parameter _gateUp; // [2 F, D]
    private readonly Parameter _down; // [D, F]

    public DecoderBlock(DecoderConfiguration configuration, int layer, Device device, ScalarType dtype)
        : base(nameof(DecoderBlock))
    {
        _configuration = configuration;
        _layer = layer;
        var d = configuration.Dimensions;
        _attentionNorm = new Parameter(ones(d.HiddenSize, dtype, device));
        _queryKeyValue = new Parameter(empty(d.HiddenSize + (2 * configuration.KeyValueSize), d.HiddenSize, dtype, device));
        _attentionOutput = new Parameter(empty(d.HiddenSize, d.HiddenSize, dtype, device));
        _feedForwardNorm = new Parameter(ones(d.HiddenSize, dtype, device));
        _gateUp = new Parameter(empty(2 * d.FeedForwardSize, d.HiddenSize, dtype, device));
        _down = new Parameter(empty(d.HiddenSize, d.FeedForwardSize, dtype, device));
        register_parameter("attention_norm", _attentionNorm);
        register_parameter("query_key_value", _queryKeyValue);
        register_parameter("attention_output", _attentionOutput);
        register_parameter("feed_forward_norm", _feedForwardNorm);
        register_parameter("gate_up", _gateUp);
        register_parameter("down", _down);
    }

    /// <summary>[B, T, D] to [B, T, D].</summary>
    public Tensor Forward(Tensor x, Tensor cosines, Tensor sines, KeyValueCache? cache, Tensor? mask)
    {
        var epsilon = _configuration.Dimensions.RmsNormEpsilon;
        x = x.Plus(Attention(RmsNorm.Apply(x, _attentionNorm, epsilon), cosines, sines, cache, mask));
        return x.Plus(FeedForward(RmsNorm.Apply(x, _feedForwardNorm, epsilon)));
    }

    private Tensor Attention(Tensor x, Tensor cosines, Tensor sines, KeyValueCache? cache, Tensor? mask)
    {
        var (batch, length) = (x.size(0), x.size(1));
        var (heads, keyValueHeads) = ((long)_configuration.Dimensions.Heads, (long)_configuration.Dimensions.KeyValueHeads);
        var projection = nn.functional.linear(x, _queryKeyValue); // [B, T, (H + 2 KV) E]
        if (cache is null && mask is null && CausalAttention.Takes(projection, _configuration.HeadSize))
        {
            return nn.functional.linear(
                CausalAttention.Apply(projection, cosines, sines, keyValueHeads, _configuration.HeadSize), _attentionOutput);
        }

        // [B, T, H + 2 KV, E] -> [B, heads, T, E] each
        var parts = projection
            .view(batch, length, heads + (2 * keyValueHeads), _configuration.HeadSize)
            .transpose(1, 2)
            .split([heads, keyValueHeads, keyValueHeads], dim: 1);
        var query = RotaryEmbedding.Rotate(parts[0], cosines, sines);
        var key = RotaryEmbedding.Rotate(parts[1], cosines, sines);
        var value = parts[2];
        var isCausal = mask is null && (cache is null || cache.Length == 0);
        if (cache is not null)
        {
            (key, value) = cache.Append(_layer, key, value);
        }

        var mixed = TorchOps.ScaledDotProductAttention(query, key, value, mask, isCausal, enableGqa: heads != keyValueHeads); // [B, H, T, E]
        return nn.functional.linear(mixed.transpose(1, 2).reshape(batch, length, -1), _attentionOutput);
    }

    private Tensor FeedForward(Tensor x) => nn.functional.linear(SwiGlu.Apply(nn.functional.linear(x, _gateUp)), _down);
}
