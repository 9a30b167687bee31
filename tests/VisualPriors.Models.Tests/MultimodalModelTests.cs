using VisualPriors.Api.Models;
using static TorchSharp.torch;

namespace VisualPriors.Models.Tests;

public sealed class MultimodalModelTests : IDisposable
{
    private const int VisualTokens = 4;
    private const int ImageSize = 8;
    private const long Image = MultimodalModel.ImageToken;
    private readonly MultimodalModel _model;

    public MultimodalModelTests()
    {
        var encoder = new VisionEncoder(
            new VisionEncoderConfiguration { ImageSize = ImageSize, PatchSize = 4, HiddenSize = 8, Layers = 1, Heads = 2, FeedForwardSize = 16 }, CPU, ScalarType.Float32);
        encoder.Initialise(1);
        var projector = new Projector(8, 16, VisualTokens);
        projector.Initialise(2);
        var dimensions = new DecoderDimensions { Layers = 1, HiddenSize = 16, Heads = 2, KeyValueHeads = 1, FeedForwardSize = 32 };
        var decoder = new Decoder(new DecoderConfiguration { Dimensions = dimensions, VocabularySize = 20 }, CPU, ScalarType.Float32);
        decoder.Initialise(3);
        _model = new MultimodalModel(encoder, projector, decoder);
    }

    [Fact]
    public void Images_stand_where_their_tokens_are_in_order_and_words_stay()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var images = randn([3, 3, ImageSize, ImageSize]);
        var tokens = tensor(new[,]
        {
            { Image, Image, Image, Image, 5, 6, 7, 8, 9, 1 },
            { 3, 4, Image, Image, Image, Image, 2, 2, 2, 2 },
            { 1, 2, 3, 4, 5, 6, Image, Image, Image, Image },
        });

        var embedded = _model.Embed(tokens, images);

        var visual = _model.Projector.Forward(_model.Encoder.Forward(images));
        Assert.Equal([3, 10, 16], embedded.shape);
        AssertEqual(visual[0], embedded[0, ..4]);
        AssertEqual(visual[1], embedded[1, 2..6]);
        AssertEqual(visual[2], embedded[2, 6..]);
        AssertEqual(_model.Decoder.Embed(tensor(new long[] { 5, 6, 7, 8, 9, 1 })), embedded[0, 4..]);
        AssertEqual(_model.Decoder.Embed(tensor(new long[] { 3, 4 })), embedded[1, ..2]);
        AssertEqual(_model.Decoder.Embed(tokens[0, 4..]), _model.Embed(tokens[0, 4..], images: null));
    }

    [Fact]
    public void Gradients_reach_projector_and_words_but_neither_encoder_nor_the_stand_in_word()
    {
        using var scope = NewDisposeScope();
        var tokens = tensor(new[,] { { 5, Image, Image, Image, Image, 6 } });

        _model.Embed(tokens, randn([1, 3, ImageSize, ImageSize])).square().sum().backward();

        Assert.All(_model.Projector.parameters(), parameter => Assert.True(parameter.grad is { } gradient && gradient.abs().sum().item<float>() > 0));
        Assert.All(_model.Encoder.parameters(), parameter => Assert.Null(parameter.grad));
        var words = _model.Decoder.named_parameters().Single(entry => entry.name == "embedding").parameter.grad!.abs().sum(1);
        Assert.Equal([5L, 6L], words.nonzero().flatten().data<long>().ToArray());
    }

    public void Dispose() => _model.Dispose();

    private static void AssertEqual(Tensor expected, Tensor actual) => Assert.True(expected.equal(actual).all().item<bool>());
}
