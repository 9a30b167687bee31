using VisualPriors.Api.Models;
using VisualPriors.Models;
using static TorchSharp.torch;

namespace VisualPriors.Evaluation.Tests.Generation;

/// <summary>A multimodal model of a few thousand random weights.</summary>
internal static class TinyModel
{
    /// <summary>Tests that make tensors run one class after another, so that counting tensors counts one's own.</summary>
    public const string Collection = "tensors";

    public const int VisualTokens = 4;

    public static MultimodalModel Make(int vocabularySize)
    {
        var encoder = new VisionEncoder(
            new VisionEncoderConfiguration { ImageSize = 16, PatchSize = 4, HiddenSize = 16, Layers = 1, Heads = 2, FeedForwardSize = 32 }, CPU, ScalarType.Float32);
        encoder.Initialise(1);
        var projector = new Projector(16, 32, VisualTokens);
        projector.Initialise(2);
        var decoder = new Decoder(
            new DecoderConfiguration
            {
                VocabularySize = vocabularySize,
                Dimensions = new DecoderDimensions { Layers = 2, HiddenSize = 32, Heads = 4, KeyValueHeads = 2, FeedForwardSize = 64 },
            },
            CPU,
            ScalarType.Float32);
        decoder.Initialise(3);
        using (no_grad())
        {
            // Larger weights than training begins with: what stands before a token must change what follows it.
            foreach (var (_, parameter) in encoder.named_parameters().Concat(projector.named_parameters()).Concat(decoder.named_parameters()))
            {
                if (parameter.dim() > 1)
                {
                    parameter.mul_(12);
                }
            }
        }

        return new MultimodalModel(encoder, projector, decoder);
    }
}
