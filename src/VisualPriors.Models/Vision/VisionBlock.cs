using TorchSharp.Modules;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>One pre-norm block of a vision transformer, with biases.</summary>
internal sealed class VisionBlock : nn.Module
{
    private readonly VisionEncoderConfiguration _configuration;
    private readonly Parameter _attentionNormWeight; // [D]
    private readonly Parameter _attentionNormBias; // [D]
    private readonly Parameter _queryKeyValueWeight; // [3 D, D]
    private readonly Parameter _queryKeyValueBias; // [3 D]
    private readonly Parameter _attentionOutputWeight; // [D, D]
    private readonly Parameter _attentionOutputBias; // [D]
    private readonly Parameter _feedForwardNormWeight; // [D]
    private readonly Parameter _feedForwardNormBias; // [D]
    private readonly Parameter _upWeight; // [F, D]
    private readonly Parameter _upBias; // [F]
    private readonly Parameter _downWeight; // [D, F]
    private readonly Parameter _downBias; // [D]

    public VisionBlock(VisionEncoderConfiguration configuration, Device device, ScalarType dtype)
        : base(nameof(VisionBlock))
    {
        _configuration = configuration;
        var (d, f) = (configuration.HiddenSize, configuration.FeedForwardSize);
        (_attentionNormWeight, _attentionNormBias) = Register("attention_norm", ones(d, dtype, device));
        (_queryKeyValueWeight, _queryKeyValueBias) = Register("query_key_value", empty(3 * d, d, dtype, device));
        (_attentionOutputWeight, _attentionOutputBias) = Register("attention_output", empty(d, d, dtype, device));
        (_feedForwardNormWeight, _feedForwardNormBias) = Register("feed_forward_norm", ones(d, dtype, device));
        (_upWeight, _upBias) = Register("up", empty(f, d, dtype, device));
        (_downWeight, _downBias) = Register("down", empty(d, f, dtype, device));
    }

    /// <summary>[B, P, D] to [B, P, D].</summary>
    public Tensor Forward(Tensor x)
    {
        x = x.Plus(Attention(Norm(x, _attentionNormWeight, _attentionNormBias)));
        return x.Plus(FeedForward(Norm(x, _feedForwardNormWeight, _feedForwardNormBias)));
    }

    private Tensor Attention(Tensor x)
    {
        var (batch, patches) = (x.size(0), x.size(1));
        var parts = nn.functional.linear(x, _queryKeyValueWeight, _queryKeyValueBias)
            .view(batch, patches, 3, _configuration.Heads, -1)
            .permute(2, 0, 3, 1, 4) // [3, B, H, P, E]
            .unbind(0);
        var mixed = TorchOps.ScaledDotProductAttention(parts[0], parts[1], parts[2]); // [B, H, P, E]
        return nn.functional.linear(mixed.transpose(1, 2).reshape(batch, patches, -1), _attentionOutputWeight, _attentionOutputBias);
    }

    private Tensor FeedForward(Tensor x) =>
        nn.functional.linear(nn.functional.gelu(nn.functional.linear(x, _upWeight, _upBias)), _downWeight, _downBias);

    private Tensor Norm(Tensor x, Tensor weight, Tensor bias) =>
        nn.functional.layer_norm(x, [_configuration.HiddenSize], weight, bias, _configuration.LayerNormEpsilon);

    /// <summary>Registers a weight and a zero bias of as many elements as the weight has rows.</summary>
    private (Parameter Weight, Parameter Bias) Register(string name, Tensor weight)
    {
        var parameter = new Parameter(weight);
        var bias = new Parameter(zeros(parameter.size(0), parameter.dtype, parameter.device));
        register_parameter($"{name}_weight", parameter);
        register_parameter($"{name}_bias", bias);
        return (parameter, bias);
    }
}
