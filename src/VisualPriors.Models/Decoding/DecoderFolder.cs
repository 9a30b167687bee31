using System.Text.Json.Nodes;
using VisualPriors.Api.Models;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>Decoders as Hugging Face <c>LlamaForCausalLM</c> folders (<c>config.json</c>, <c>model.safetensors</c>), both ways.</summary>
public static class DecoderFolder
{
    /// <summary>Longest context that an exported configuration names (paper.md 1: 2048); rotary positions set no limit of their own.</summary>
    private const int MaximumPositions = 2048;

    /// <summary>Reads a folder's configuration.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">It is missing or malformed, or asks for what the decoder does not have.</exception>
    public static DecoderConfiguration LoadConfiguration(string directory)
    {
        var file = ModelConfigFile.Read(directory);
        file.Expect("model_type", "llama");
        file.Expect("hidden_act", "silu");
        file.Expect("attention_bias", "false");
        file.Expect("mlp_bias", "false");
        file.Expect("rope_scaling.rope_type", "default");
        file.Expect("rope_parameters.rope_type", "default");
        var heads = file.Positive("num_attention_heads");
        var hiddenSize = file.Positive("hidden_size");
        var keyValueHeads = file.Positive("num_key_value_heads", heads);
        if (hiddenSize % heads != 0 || hiddenSize / heads % 2 != 0)
        {
            throw file.Wrong("num_attention_heads", $"a number of heads that cuts hidden_size ({hiddenSize}) into even widths");
        }

        if (heads % keyValueHeads != 0)
        {
            throw file.Wrong("num_key_value_heads", $"a divisor of num_attention_heads ({heads})");
        }

        if (file.Positive("head_dim", hiddenSize / heads) != hiddenSize / heads)
        {
            throw file.Wrong("head_dim", $"hidden_size / num_attention_heads ({hiddenSize / heads})");
        }

        return new DecoderConfiguration
        {
            VocabularySize = file.Positive("vocab_size"),
            Dimensions = new DecoderDimensions
            {
                Layers = file.Positive("num_hidden_layers"),
                HiddenSize = hiddenSize,
                Heads = heads,
                KeyValueHeads = keyValueHeads,
                FeedForwardSize = file.Positive("intermediate_size"),
                RopeTheta = file.PositiveNumber(file.Has("rope_parameters.rope_theta") ? "rope_parameters.rope_theta" : "rope_theta", 10_000),
                RmsNormEpsilon = file.PositiveNumber("rms_norm_eps", 1e-6),
            },
        };
    }

    /// <summary>Loads a decoder. Tied embeddings become two equal tensors.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">A file is missing or malformed, or the weights do not fit the configuration.</exception>
    public static Decoder Load(string directory, Device device, ScalarType dtype)
    {
        var configuration = LoadConfiguration(directory);
        var tied = ModelConfigFile.Read(directory).Flag("tie_word_embeddings");
        return WeightMap.Load(directory, Maps(configuration, tied), () => new Decoder(configuration, device, dtype));
    }

    /// <summary>Opens a decoder's weights for reading one at a time, under their Hugging Face names; all are there with their shapes.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">A file is missing or malformed, or the weights do not fit the configuration.</exception>
    public static SafetensorsSet OpenWeights(string directory) =>
        WeightMap.Open(directory, Maps(LoadConfiguration(directory), ModelConfigFile.Read(directory).Flag("tie_word_embeddings")));

    /// <summary>Saves a decoder as it is, in fp32, to an existing folder.</summary>
    public static void Save(Decoder decoder, string directory) =>
        Save(decoder.Configuration, decoder.named_parameters().Select(p => (p.name, (Tensor)p.parameter)), directory);

    /// <summary>Saves a decoder whose exact weights are elsewhere (an optimizer's masters), in fp32, to an existing folder.</summary>
    /// <param name="configuration">The decoder's shape.</param>
    /// <param name="parameters">A tensor for every name of the decoder's <c>named_parameters()</c>.</param>
    /// <param name="directory">The folder.</param>
    public static void Save(DecoderConfiguration configuration, IEnumerable<(string Name, Tensor Value)> parameters, string directory)
    {
        WeightMap.Save(directory, Maps(configuration, tied: false), parameters);
        var d = configuration.Dimensions;
        ModelConfigFile.Write(directory, new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["vocab_size"] = configuration.VocabularySize,
            ["hidden_size"] = d.HiddenSize,
            ["intermediate_size"] = d.FeedForwardSize,
            ["num_hidden_layers"] = d.Layers,
            ["num_attention_heads"] = d.Heads,
            ["num_key_value_heads"] = d.KeyValueHeads,
            ["head_dim"] = configuration.HeadSize,
            ["hidden_act"] = "silu",
            ["rms_norm_eps"] = d.RmsNormEpsilon,
            ["rope_theta"] = d.RopeTheta,
            ["max_position_embeddings"] = MaximumPositions,
            ["attention_bias"] = false,
            ["mlp_bias"] = false,
            ["tie_word_embeddings"] = false,
            ["torch_dtype"] = "float32",
        });
    }

    private static List<WeightMap> Maps(DecoderConfiguration configuration, bool tied)
    {
        var d = configuration.Dimensions;
        var vocabulary = configuration.VocabularySize;
        const string Embedding = "model.embed_tokens.weight";
        List<WeightMap> maps =
        [
            new("embedding", Embedding, vocabulary, d.HiddenSize),
            new("norm", "model.norm.weight", d.HiddenSize),
            new("head", tied ? Embedding : "lm_head.weight", vocabulary, d.HiddenSize),
        ];
        for (var i = 0; i < d.Layers; i++)
        {
            var (ours, theirs) = ($"blocks.{i}", $"model.layers.{i}");
            maps.Add(new($"{ours}.attention_norm", $"{theirs}.input_layernorm.weight", d.HiddenSize));
            maps.Add(new($"{ours}.query_key_value",
            [
                ($"{theirs}.self_attn.q_proj.weight", [d.HiddenSize, d.HiddenSize]),
                ($"{theirs}.self_attn.k_proj.weight", [configuration.KeyValueSize, d.HiddenSize]),
                ($"{theirs}.self_attn.v_proj.weight", [configuration.KeyValueSize, d.HiddenSize]),
            ]));
            maps.Add(new($"{ours}.attention_output", $"{theirs}.self_attn.o_proj.weight", d.HiddenSize, d.HiddenSize));
            maps.Add(new($"{ours}.feed_forward_norm", $"{theirs}.post_attention_layernorm.weight", d.HiddenSize));
            maps.Add(new($"{ours}.gate_up",
            [
                ($"{theirs}.mlp.gate_proj.weight", [d.FeedForwardSize, d.HiddenSize]),
                ($"{theirs}.mlp.up_proj.weight", [d.FeedForwardSize, d.HiddenSize]),
            ]));
            maps.Add(new($"{ours}.down", $"{theirs}.mlp.down_proj.weight", d.HiddenSize, d.FeedForwardSize));
        }

        return maps;
    }
}
