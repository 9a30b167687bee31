using SkiaSharp;
using VisualPriors.Data.Images;
using VisualPriors.Evaluation.Generation;
using VisualPriors.Models;
using static TorchSharp.torch;

namespace VisualPriors.Evaluation.Tests.Generation;

[Collection(TinyModel.Collection)]
public sealed class ChoiceRankerTests : IDisposable
{
    private const int Vocabulary = 50;
    private readonly string _directory = Directory.CreateTempSubdirectory("vp-ranker-").FullName;
    private readonly MultimodalModel _model = TinyModel.Make(Vocabulary);

    public void Dispose()
    {
        _model.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_takes_the_answer_whose_tokens_are_likeliest_each_computed_alone(bool withImage)
    {
        var prompts = Enumerable.Range(0, 40).Select(i => Prompt(i, withImage)).ToArray();

        var chosen = new ChoiceRanker(_model).Choose(prompts, CancellationToken.None).ToArray();

        Assert.Equal(Enumerable.Range(0, prompts.Length), chosen.Select(choice => choice.Index));
        Assert.Equal(prompts.Select(Likeliest), chosen.Select(choice => choice.Answer));
        Assert.True(chosen.Select(choice => choice.Answer).Distinct().Count() > 1, "one place is always chosen: this tests nothing");
    }

    [Fact]
    public void Stopping_is_heard()
    {
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();

        Assert.Throws<OperationCanceledException>(() => new ChoiceRanker(_model).Choose([Prompt(0, false)], stopped.Token).Count());
    }

    /// <summary>A prompt and answers of lengths that differ from prompt to prompt.</summary>
    private ChoicePrompt Prompt(int i, bool withImage)
    {
        var random = new Random(i);
        int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(1, Vocabulary))];
        var image = Enumerable.Repeat((int)MultimodalModel.ImageToken, withImage ? _model.Projector.VisualTokens : 0);
        var prompt = new GenerationPrompt([.. Tokens(2), .. image, .. Tokens(1 + (i % 5))], withImage ? Image(i) : null);
        return new ChoicePrompt(prompt, [.. Enumerable.Range(0, 4).Select(_ => Tokens(2 + random.Next(2)))]);
    }

    private string Image(int i)
    {
        var path = Path.Combine(_directory, $"{i}.png");
        using var bitmap = new SKBitmap(16, 16);
        bitmap.Erase(SKColor.FromHsl(i * 9, 70, 50));
        using var stream = File.Create(path);
        bitmap.Encode(stream, SKEncodedImageFormat.Png, 100);
        return path;
    }

    /// <summary>One forward pass an answer, probabilities from the logits.</summary>
    private int Likeliest(ChoicePrompt prompt)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var size = _model.Encoder.Configuration.ImageSize;
        var images = prompt.Prompt.ImagePath is { } path ? ImageNormalisation.FromRgb([ImageDecoder.DecodeRgb(path, size)], size) : null;
        var sums = prompt.Answers.Select(answer =>
        {
            long[] tokens = [.. prompt.Prompt.Tokens, .. answer];
            var logits = _model.Decoder.Logits(_model.Decoder.Hidden(_model.Embed(tensor(tokens).unsqueeze(0), images)))[0];
            var logarithms = logits.to(ScalarType.Float32).log_softmax(-1);
            return answer.Select((token, t) => logarithms[prompt.Prompt.Tokens.Length - 1 + t, token].item<float>()).Sum();
        }).ToList();
        return sums.IndexOf(sums.Max());
    }
}
