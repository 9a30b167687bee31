using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models.Tests;

/// <summary>Logits, losses and every gradient against an independent implementation: see Golden/make_golden.py.</summary>
public sealed class GoldenTests : IDisposable
{
    private const double Tolerance = 1e-4;
    private readonly TemporaryFolder _folder = new();
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Decoder_agrees_in_logits()
    {
        using var golden = OpenGolden("decoder");
        var decoder = LoadDecoder(golden);
        using var _ = no_grad();
        AssertClose(golden.Read("logits"), decoder.Logits(decoder.Hidden(decoder.Embed(golden.Read("tokens")))), "logits");
    }

    [Fact]
    public void Decoder_agrees_under_a_mask()
    {
        using var golden = OpenGolden("decoder");
        var decoder = LoadDecoder(golden);
        using var _ = no_grad();
        var hidden = decoder.Hidden(decoder.Embed(golden.Read("tokens")), mask: golden.Read("mask").unsqueeze(1));
        AssertClose(golden.Read("masked_logits"), decoder.Logits(hidden), "logits");
    }

    [Fact]
    public void Decoder_agrees_in_losses_and_gradients()
    {
        using var golden = OpenGolden("decoder");
        var decoder = LoadDecoder(golden);
        var labels = golden.Read("labels").view(-1);
        var hidden = decoder.Hidden(decoder.Embed(golden.Read("tokens")));
        var losses = decoder.TokenLosses(hidden.view(labels.size(0), -1), labels);
        AssertClose(golden.Read("losses").view(-1), losses, "losses");

        var loss = losses.sum() / labels.ne(-100).sum();
        AssertClose(golden.Read("loss"), loss.view(1), "loss");
        loss.backward();
        DecoderFolder.Save(decoder.Configuration, decoder.named_parameters().Select(p => (p.name, p.parameter.grad!)), _folder.Path);
        AssertGradients(golden);
    }

    [Fact]
    public void Vision_encoder_and_projector_agree()
    {
        using var golden = OpenGolden("vision");
        CopyWeights("vision");
        File.WriteAllText(Path.Combine(_folder.Path, "config.json"), """
            {"model_type": "siglip_vision_model", "image_size": 16, "patch_size": 4, "hidden_size": 24, "num_hidden_layers": 2,
             "num_attention_heads": 3, "intermediate_size": 40}
            """);
        var encoder = VisionEncoder.Load(_folder.Path, CPU, ScalarType.Float32);
        File.WriteAllText(
            Path.Combine(_folder.Path, "config.json"),
            """{"model_type": "projector", "vision_width": 24, "decoder_width": 20, "visual_tokens": 4}""");
        var projector = Projector.Load(_folder.Path);

        var features = encoder.Forward(golden.Read("images"));
        AssertClose(golden.Read("features"), features, "features");
        var embeddings = projector.Forward(features);
        AssertClose(golden.Read("embeddings"), embeddings, "embeddings");
        (embeddings * arange(embeddings.numel(), ScalarType.Float32).cos().view_as(embeddings)).sum().backward();

        projector.Save(projector.named_parameters().Select(p => (p.name, p.parameter.grad!)), _folder.Path);
        AssertGradients(golden);
        foreach (var (_, parameter) in encoder.named_parameters())
        {
            using var __ = no_grad();
            parameter.copy_(parameter.grad!);
        }

        encoder.Save(_folder.Path);
        AssertGradients(golden);
    }

    private static SafetensorsFile OpenGolden(string name) => SafetensorsFile.Open(PathOf(name));

    private static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "Golden", name + ".safetensors");

    private static void AssertClose(Tensor expected, Tensor found, string what)
    {
        Assert.Equal(expected.shape, found.shape);
        var worst = (expected - found.detach()).abs().max().item<float>();
        Assert.True(worst <= Tolerance, $"{what} differs by {worst}");
    }

    private Decoder LoadDecoder(SafetensorsFile golden)
    {
        CopyWeights("decoder");
        string Setting(string name) => golden.Metadata[name];
        File.WriteAllText(Path.Combine(_folder.Path, "config.json"), $$"""
            {"model_type": "llama", "vocab_size": {{Setting("vocabulary")}}, "hidden_size": {{Setting("hidden")}},
             "intermediate_size": {{Setting("ffn")}}, "num_hidden_layers": {{Setting("layers")}}, "rms_norm_eps": {{Setting("eps")}},
             "num_attention_heads": {{Setting("heads")}}, "num_key_value_heads": {{Setting("kv_heads")}}, "rope_theta": {{Setting("theta")}}}
            """);
        return DecoderFolder.Load(_folder.Path, CPU, ScalarType.Float32);
    }

    private void CopyWeights(string name) => File.Copy(PathOf(name), Path.Combine(_folder.Path, "model.safetensors"), overwrite: true);

    /// <summary>What was just saved as weights are gradients.</summary>
    private void AssertGradients(SafetensorsFile golden)
    {
        using var gradients = SafetensorsFile.Open(Path.Combine(_folder.Path, "model.safetensors"));
        foreach (var name in gradients.Names)
        {
            AssertClose(golden.Read("gradient." + name), gradients.Read(name), $"gradient of {name}");
        }
    }
}
