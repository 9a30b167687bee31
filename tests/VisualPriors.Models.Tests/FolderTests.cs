using VisualPriors.Api.Errors;
using VisualPriors.Api.Models;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models.Tests;

public sealed class FolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Decoders_survive_saving_and_loading()
    {
        var saved = SavedDecoder();
        var loaded = DecoderFolder.Load(_folder.Path, CPU, ScalarType.Float32);
        Assert.Equal(saved.Configuration, loaded.Configuration);
        Assert.All(
            saved.named_parameters().Zip(loaded.named_parameters()),
            p => Assert.True(p.First.parameter.equal(p.Second.parameter).all().item<bool>(), p.First.name));
    }

    [Fact]
    public void Decoder_files_carry_the_names_and_shapes_of_LlamaForCausalLM()
    {
        SavedDecoder();
        using var file = SafetensorsFile.Open(Path.Combine(_folder.Path, "model.safetensors"));
        Assert.Equal([70, 32], file.ShapeOf("model.embed_tokens.weight"));
        Assert.Equal([70, 32], file.ShapeOf("lm_head.weight"));
        Assert.Equal([16, 32], file.ShapeOf("model.layers.0.self_attn.k_proj.weight"));
        Assert.Equal([48, 32], file.ShapeOf("model.layers.0.mlp.up_proj.weight"));
        Assert.Equal(3 + 9, file.Names.Count);
        Assert.Equal("pt", file.Metadata["format"]);
    }

    [Fact]
    public void Tied_embeddings_are_loaded_as_two_equal_tensors()
    {
        SavedDecoder();
        EditConfig("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
        var loaded = DecoderFolder.Load(_folder.Path, CPU, ScalarType.BFloat16);
        Assert.True(loaded.get_parameter("head")!.equal(loaded.get_parameter("embedding")!).all().item<bool>());
    }

    [Theory]
    [InlineData("\"hidden_size\": 32", "\"hidden_size\": 36", "num_attention_heads")]
    [InlineData("\"hidden_size\": 32", "\"hidden_size\": -32", "hidden_size")]
    [InlineData("\"hidden_size\": 32", "\"hidden_size\": \"wide\"", "hidden_size")]
    [InlineData("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", "num_key_value_heads")]
    [InlineData("\"attention_bias\": false", "\"attention_bias\": true", "attention_bias")]
    [InlineData("\"model_type\": \"llama\"", "\"model_type\": \"gpt2\"", "model_type")]
    [InlineData("\"rms_norm_eps\": 1E-06", "\"rms_norm_eps\": 0", "rms_norm_eps")]
    [InlineData("\"vocab_size\": 70", "\"vocab_size\": 2000000000", "model.embed_tokens.weight")]
    [InlineData("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2", "model.layers.1.input_layernorm.weight")]
    public void A_configuration_that_does_not_fit_is_refused_by_field(string found, string replacement, string field)
    {
        SavedDecoder();
        EditConfig(found, replacement);
        var error = Assert.Throws<InvalidInputException>(() => DecoderFolder.Load(_folder.Path, CPU, ScalarType.Float32));
        Assert.Equal(field, Assert.Single(error.Errors).Field);
    }

    [Fact]
    public void A_missing_or_malformed_configuration_is_refused_by_file()
    {
        var path = Path.Combine(_folder.Path, "config.json");
        Assert.Equal(path, Refused().File);
        File.WriteAllText(path, "{\n  \"model_type\": llama");
        Assert.Equal(2, Refused().Line);

        InputError Refused() =>
            Assert.Single(Assert.Throws<InvalidInputException>(() => DecoderFolder.Load(_folder.Path, CPU, ScalarType.Float32)).Errors);
    }

    [Fact]
    public void Projectors_survive_saving_and_loading()
    {
        var saved = new Projector(24, 32, 16);
        saved.Initialise(1);
        saved.Save(_folder.Path);
        var loaded = Projector.Load(_folder.Path);
        var features = randn(2, 64, 24);
        Assert.Equal([2, 16, 32], loaded.Forward(features).shape);
        Assert.True(saved.Forward(features).equal(loaded.Forward(features)).all().item<bool>());
    }

    [Fact]
    public void Vision_encoders_survive_saving_and_loading()
    {
        var saved = new VisionEncoder(
            new VisionEncoderConfiguration { ImageSize = 16, PatchSize = 8, HiddenSize = 24, Layers = 1, Heads = 2, FeedForwardSize = 32 },
            CPU,
            ScalarType.Float32);
        saved.Initialise(1);
        saved.Save(_folder.Path);
        var loaded = VisionEncoder.Load(_folder.Path, CPU, ScalarType.Float32);
        Assert.Equal(saved.Configuration, loaded.Configuration);
        var images = randn(2, 3, 16, 16);
        Assert.True(saved.Forward(images).equal(loaded.Forward(images)).all().item<bool>());
    }

    private Decoder SavedDecoder()
    {
        var decoder = new Decoder(
            new DecoderConfiguration
            {
                VocabularySize = 70,
                Dimensions = new DecoderDimensions
                {
                    Layers = 1,
                    HiddenSize = 32,
                    Heads = 4,
                    KeyValueHeads = 2,
                    FeedForwardSize = 48,
                    RopeTheta = 500_000,
                },
            },
            CPU,
            ScalarType.Float32);
        decoder.Initialise(1);
        DecoderFolder.Save(decoder, _folder.Path);
        return decoder;
    }

    private void EditConfig(string found, string replacement)
    {
        var path = Path.Combine(_folder.Path, "config.json");
        var text = File.ReadAllText(path);
        Assert.Contains(found, text);
        File.WriteAllText(path, text.Replace(found, replacement, StringComparison.Ordinal));
    }
}
