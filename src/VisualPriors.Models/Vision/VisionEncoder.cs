using System.Text.Json.Nodes;
using TorchSharp.Modules;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>
/// A vision transformer: patches through one linear map, learned positions, pre-norm blocks with a GELU feed-forward network, a final
/// LayerNorm; no class token. Shapes in comments: B images, P patches, D hidden size. Folders are Hugging Face's
/// <c>SiglipVisionModel</c> without its pooling head.
/// </summary>
public sealed class VisionEncoder : nn.Module
{
    private const int Channels = 3;
    private const double InitialDeviation = 0.02;
    private readonly Parameter _patchWeight; // [D, 3 * S * S]
    private readonly Parameter _patchBias; // [D]
    private readonly Parameter _positions; // [P, D]
    private readonly ModuleList<VisionBlock> _blocks;
    private readonly Parameter _normWeight; // [D]
    private readonly Parameter _normBias; // [D]

    /// <summary>Makes an encoder whose weights are not set yet: call <see cref="Initialise"/> or <see cref="Load"/> one.</summary>
    /// <exception cref="ArgumentException">The patch size does not divide the image size, or the heads the hidden size.</exception>
    public VisionEncoder(VisionEncoderConfiguration configuration, Device device, ScalarType dtype)
        : base(nameof(VisionEncoder))
    {
        if (configuration.ImageSize % configuration.PatchSize != 0 || configuration.HiddenSize % configuration.Heads != 0)
        {
            throw new ArgumentException("The patch size must divide the image size, and the heads the hidden size.", nameof(configuration));
        }

        Configuration = configuration;
        var (d, patch) = (configuration.HiddenSize, configuration.PatchSize);
        _patchWeight = new Parameter(empty(d, Channels * patch * patch, dtype, device));
        _patchBias = new Parameter(zeros(d, dtype, device));
        _positions = new Parameter(empty(configuration.Patches, d, dtype, device));
        _blocks = nn.ModuleList(Enumerable.Range(0, configuration.Layers).Select(_ => new VisionBlock(configuration, device, dtype)).ToArray());
        _normWeight = new Parameter(ones(d, dtype, device));
        _normBias = new Parameter(zeros(d, dtype, device));
        register_parameter("patch_weight", _patchWeight);
        register_parameter("patch_bias", _patchBias);
        register_parameter("positions", _positions);
        register_module("blocks", _blocks);
        register_parameter("norm_weight", _normWeight);
        register_parameter("norm_bias", _normBias);
    }

    /// <summary>Its shape.</summary>
    public VisionEncoderConfiguration Configuration { get; }

    /// <summary>Loads an encoder from a folder.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">A file is missing or malformed, or the weights do not fit the configuration.</exception>
    public static VisionEncoder Load(string directory, Device device, ScalarType dtype)
    {
        var file = ModelConfigFile.Read(directory);
        file.Expect("model_type", "siglip_vision_model");
        file.Expect("hidden_act", "gelu");
        file.Expect("num_channels", "3");
        file.Expect("vision_use_head", "false");
        var configuration = new VisionEncoderConfiguration
        {
            ImageSize = file.Positive("image_size"),
            PatchSize = file.Positive("patch_size"),
            HiddenSize = file.Positive("hidden_size"),
            Layers = file.Positive("num_hidden_layers"),
            Heads = file.Positive("num_attention_heads"),
            FeedForwardSize = file.Positive("intermediate_size"),
            LayerNormEpsilon = file.PositiveNumber("layer_norm_eps", 1e-6),
        };
        if (configuration.ImageSize % configuration.PatchSize != 0)
        {
            throw file.Wrong("patch_size", $"a divisor of image_size ({configuration.ImageSize})");
        }

        if (configuration.HiddenSize % configuration.Heads != 0)
        {
            throw file.Wrong("num_attention_heads", $"a divisor of hidden_size ({configuration.HiddenSize})");
        }

        return WeightMap.Load(directory, Maps(configuration), () => new VisionEncoder(configuration, device, dtype));
    }

    /// <summary>Saves the encoder, in fp32, to an existing folder.</summary>
    public void Save(string directory)
    {
        WeightMap.Save(directory, Maps(Configuration), named_parameters().Select(p => (p.name, (Tensor)p.parameter)));
        ModelConfigFile.Write(directory, new JsonObject
        {
            ["architectures"] = new JsonArray("SiglipVisionModel"),
            ["model_type"] = "siglip_vision_model",
            ["image_size"] = Configuration.ImageSize,
            ["patch_size"] = Configuration.PatchSize,
            ["num_channels"] = Channels,
            ["hidden_size"] = Configuration.HiddenSize,
            ["intermediate_size"] = Configuration.FeedForwardSize,
            ["num_hidden_layers"] = Configuration.Layers,
            ["num_attention_heads"] = Configuration.Heads,
            ["hidden_act"] = "gelu",
            ["layer_norm_eps"] = Configuration.LayerNormEpsilon,
            ["vision_use_head"] = false,
            ["torch_dtype"] = "float32",
        });
    }

    /// <summary>Sets matrices and positions to normal random numbers of deviation 0.02, norms to one, biases to zero. The same seed gives the same weights.</summary>
    public void Initialise(long seed) => Initialisation.Normal(this, seed, InitialDeviation);

    /// <summary>Features of every patch.</summary>
    /// <param name="images">[B, 3, S, S], as <see cref="ImageNormalisation"/> makes them.</param>
    /// <returns>[B, P, D] after the final norm, patches row by row.</returns>
    public Tensor Forward(Tensor images)
    {
        var (patch, side) = (Configuration.PatchSize, Configuration.ImageSize / Configuration.PatchSize);
        var patches = images.to(_patchWeight.dtype)
            .view(-1, Channels, side, patch, side, patch)
            .permute(0, 2, 4, 1, 3, 5) // [B, rows, columns, 3, patch, patch]
            .reshape(-1, Configuration.Patches, Channels * patch * patch);
        var x = nn.functional.linear(patches, _patchWeight, _patchBias).Plus(_positions);
        foreach (var block in _blocks)
        {
            x = block.Forward(x);
        }

        return nn.functional.layer_norm(x, [Configuration.HiddenSize], _normWeight, _normBias, Configuration.LayerNormEpsilon);
    }

    private static List<WeightMap> Maps(VisionEncoderConfiguration configuration)
    {
        var (d, f, patch) = (configuration.HiddenSize, configuration.FeedForwardSize, configuration.PatchSize);
        List<WeightMap> maps =
        [
            new("patch_weight", "vision_model.embeddings.patch_embedding.weight", d, Channels, patch, patch),
            new("patch_bias", "vision_model.embeddings.patch_embedding.bias", d),
            new("positions", "vision_model.embeddings.position_embedding.weight", configuration.Patches, d),
            new("norm_weight", "vision_model.post_layernorm.weight", d),
            new("norm_bias", "vision_model.post_layernorm.bias", d),
        ];
        for (var i = 0; i < configuration.Layers; i++)
        {
            var (ours, theirs) = ($"blocks.{i}", $"vision_model.encoder.layers.{i}");
            foreach (var (name, hfName) in new[] { ("attention_norm", "layer_norm1"), ("feed_forward_norm", "layer_norm2") })
            {
                maps.Add(new($"{ours}.{name}_weight", $"{theirs}.{hfName}.weight", d));
                maps.Add(new($"{ours}.{name}_bias", $"{theirs}.{hfName}.bias", d));
            }

            foreach (var (suffix, shape) in new[] { ("weight", new long[] { d, d }), ("bias", [d]) })
            {
                maps.Add(new($"{ours}.query_key_value_{suffix}",
                [
                    ($"{theirs}.self_attn.q_proj.{suffix}", shape),
                    ($"{theirs}.self_attn.k_proj.{suffix}", shape),
                    ($"{theirs}.self_attn.v_proj.{suffix}", shape),
                ]));
                maps.Add(new($"{ours}.attention_output_{suffix}", $"{theirs}.self_attn.out_proj.{suffix}", shape));
            }

            maps.Add(new($"{ours}.up_weight", $"{theirs}.mlp.fc1.weight", f, d));
            maps.Add(new($"{ours}.up_bias", $"{theirs}.mlp.fc1.bias", f));
            maps.Add(new($"{ours}.down_weight", $"{theirs}.mlp.fc2.weight", d, f));
            maps.Add(new($"{ours}.down_bias", $"{theirs}.mlp.fc2.bias", d));
        }

        return maps;
    }
}
