using VisualPriors.Api.Models;
using static TorchSharp.torch;

namespace VisualPriors.Models.Tests;

public sealed class DecoderTests : IDisposable
{
    private static readonly DecoderConfiguration Small = new()
    {
        VocabularySize = 96,
        Dimensions = new DecoderDimensions { Layers = 2, HiddenSize = 128, Heads = 4, KeyValueHeads = 2, FeedForwardSize = 80 },
    };

    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    /// <summary>Counts at 32,000 tokens from paper.md 1.2 (rounded as there); nano's at the quickstart's 4,096.</summary>
    [Theory]
    [InlineData("nano", 4_096, 5.05e6, 0.005e6)]
    [InlineData("340M", 32_000, 374e6, 0.5e6)]
    [InlineData("1B", 32_000, 1.36e9, 0.005e9)]
    [InlineData("3B", 32_000, 3.02e9, 0.005e9)]
    [InlineData("7B", 32_000, 7.24e9, 0.005e9)]
    [InlineData("13B", 32_000, 13.02e9, 0.005e9)]
    public void Presets_have_the_published_parameter_counts(string preset, int vocabularySize, double count, double rounding)
    {
        using var decoder = new Decoder(
            new DecoderConfiguration { Dimensions = DecoderPresets.All[preset], VocabularySize = vocabularySize }, META, ScalarType.BFloat16);
        Assert.InRange(decoder.parameters().Sum(p => p.numel()), count - rounding, count + rounding);
    }

    [Fact]
    public void The_seed_alone_decides_initial_weights()
    {
        var (one, again, other) = (Initialised(7), Initialised(7), Initialised(8));
        Assert.All(one.named_parameters().Zip(again.named_parameters()), p => Assert.True(p.First.parameter.equal(p.Second.parameter).all().item<bool>()));
        Assert.False(one.get_parameter("head")!.equal(other.get_parameter("head")!).any().item<bool>());
        Assert.Equal(0.02, one.get_parameter("head")!.std().item<float>(), 1e-3);
        Assert.Equal(1, one.get_parameter("norm")!.min().item<float>());
    }

    /// <summary>Sixteen positions go through the attention kernel, the same in pieces through the cache and scaled dot-product attention.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(11, 5)]
    [InlineData(13, 1, 1, 1)]
    public void Decoding_in_pieces_equals_one_pass(params int[] pieces)
    {
        using var _ = no_grad();
        var decoder = Initialised(1);
        var embeddings = decoder.Embed(randint(0, 96, [3, 16])) * 10;
        var whole = decoder.Hidden(embeddings);
        using var cache = new KeyValueCache(Small);
        long start = 0;
        foreach (var piece in pieces)
        {
            Assert.Equal(start, cache.Length);
            var part = decoder.Hidden(embeddings.narrow(1, start, piece), cache);
            Assert.True((part - whole.narrow(1, start, piece)).abs().max().item<float>() < 1e-4);
            start += piece;
        }
    }

    /// <summary>Three steps of gradient descent, twice: every parameter the same to the last bit.</summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Training_is_reproducible_to_the_bit(ScalarType type)
    {
        var (one, two) = (Train(type), Train(type));
        Assert.All(one.named_parameters().Zip(two.named_parameters()), p => Assert.True(p.First.parameter.equal(p.Second.parameter).all().item<bool>()));
    }

    [Fact]
    public void Only_supervised_positions_have_losses()
    {
        var decoder = Initialised(1);
        var hidden = decoder.Hidden(decoder.Embed(randint(0, 96, [1, 16]))).view(16, -1);
        var labels = full(16, -100, ScalarType.Int64);
        labels[5] = 3;
        var losses = decoder.TokenLosses(hidden, labels);
        Assert.Equal(1, losses.count_nonzero().item<long>());
        Assert.True(losses[5].item<float>() > 0);
    }

    private static Decoder Initialised(long seed, ScalarType type = ScalarType.Float32)
    {
        var decoder = new Decoder(Small, CPU, type);
        decoder.Initialise(seed);
        return decoder;
    }

    private static Decoder Train(ScalarType type)
    {
        var decoder = Initialised(3, type);
        var tokens = arange(8 * 65).mul(31).remainder(96).view(8, 65);
        for (var step = 0; step < 3; step++)
        {
            using var scope = NewDisposeScope();
            var hidden = decoder.Hidden(decoder.Embed(tokens.narrow(1, 0, 64)));
            decoder.TokenLosses(hidden.view(8 * 64, -1), tokens.narrow(1, 1, 64).reshape(-1)).mean().backward();
            using var _ = no_grad();
            foreach (var parameter in decoder.parameters())
            {
                parameter.sub_(parameter.grad! * 0.5);
                parameter.grad = null;
            }
        }

        return decoder;
    }
}
