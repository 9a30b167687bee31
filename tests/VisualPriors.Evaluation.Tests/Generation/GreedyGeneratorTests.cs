using SkiaSharp;
using VisualPriors.Api.Errors;
using VisualPriors.Data.Images;
using VisualPriors.Evaluation.Generation;
using VisualPriors.Models;
using static TorchSharp.torch;

namespace VisualPriors.Evaluation.Tests.Generation;

[Collection(TinyModel.Collection)]
public sealed class GreedyGeneratorTests : IDisposable
{
    private const int Vocabulary = 50;
    private const int EndOfText = 0;
    private readonly string _directory = Directory.CreateTempSubdirectory("vp-generation-").FullName;
    private readonly MultimodalModel _model = TinyModel.Make(Vocabulary);

    [Fact]
    public void Tokens_are_the_likeliest_of_the_whole_sequence_computed_anew()
    {
        foreach (var prompt in Prompts().Where((_, i) => i % 7 == 0))
        {
            Assert.Equal(WithoutCache(prompt), new GreedyGenerator(_model, EndOfText).Generate([prompt], CancellationToken.None).Single().Tokens);
        }
    }

    [Fact]
    public void A_prompt_s_continuation_does_not_depend_on_what_stands_beside_it()
    {
        var prompts = Prompts();
        var generator = new GreedyGenerator(_model, EndOfText);

        var together = generator.Generate(prompts, CancellationToken.None).ToDictionary(found => found.Index, found => found.Tokens);

        Assert.Equal(prompts.Length, together.Count);
        for (var i = 0; i < prompts.Length; i++)
        {
            Assert.Equal(generator.Generate([prompts[i]], CancellationToken.None).Single().Tokens, together[i]);
        }

        Assert.True(together.Values.Select(tokens => string.Join(' ', tokens)).Distinct().Count() > prompts.Length / 2, "the prompts hardly differ: this tests nothing");
        Assert.Contains(together.Values, tokens => tokens.Length < GreedyGenerator.MaximumNewTokens);
        Assert.Contains(together.Values, tokens => tokens.Length == GreedyGenerator.MaximumNewTokens);
        Assert.DoesNotContain(together.Values, tokens => tokens.Contains(EndOfText));
    }

    [Fact]
    public void The_image_changes_what_is_said()
    {
        var prompts = Prompts().Where(prompt => prompt.ImagePath is not null).Take(2).ToArray();
        var said = new GreedyGenerator(_model, EndOfText)
            .Generate([prompts[0], prompts[0] with { ImagePath = prompts[1].ImagePath }], CancellationToken.None).Select(found => found.Tokens).ToArray();
        Assert.NotEqual(said[0], said[1]);
    }

    [Fact]
    public void Stopping_is_heard_and_bad_images_are_named()
    {
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        var generator = new GreedyGenerator(_model, EndOfText);
        Assert.Throws<OperationCanceledException>(() => generator.Generate(Prompts(), stopped.Token).Count());
        var bad = Path.Combine(_directory, "bad.png");
        File.WriteAllText(bad, "no picture");
        var prompt = Prompts().First(p => p.ImagePath is not null) with { ImagePath = bad };
        Assert.Contains("bad.png", Assert.Throws<InvalidInputException>(() => generator.Generate([prompt], CancellationToken.None).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        var generator = new GreedyGenerator(_model, EndOfText);
        _ = generator.Generate(Prompts(), CancellationToken.None).Count();

        // What other tests left to the garbage collector must not be counted off while this one runs.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = Tensor.TotalCount;
        _ = generator.Generate(Prompts(), CancellationToken.None).Count();
        Assert.InRange(Tensor.TotalCount, 0, before);
    }

    public void Dispose()
    {
        _model.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Prompts of several lengths, with and without image; more of one length than a batch holds.</summary>
    private GenerationPrompt[] Prompts()
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, 150).Select(i =>
        {
            var text = Enumerable.Range(0, i < 70 ? 6 : random.Next(1, 9)).Select(_ => random.Next(1, Vocabulary));
            return i % 3 == 0
                ? new GenerationPrompt([.. text], null)
                : new GenerationPrompt([7, .. Enumerable.Repeat((int)MultimodalModel.ImageToken, TinyModel.VisualTokens), .. text], ImageAt(i % 5));
        })];
    }

    private string ImageAt(int index)
    {
        var path = Path.Combine(_directory, $"{index}.png");
        if (!File.Exists(path))
        {
            using var bitmap = new SKBitmap(16, 16);
            bitmap.Erase(SKColor.FromHsl(index * 70, 80, 20 + (index * 15)));
            using var stream = File.Create(path);
            bitmap.Encode(stream, SKEncodedImageFormat.Png, 100);
        }

        return path;
    }

    private int[] WithoutCache(GenerationPrompt prompt)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var sequence = prompt.Tokens.Select(token => (long)token).ToList();
        var images = prompt.ImagePath is null ? null : ImageNormalisation.FromRgb([ImageDecoder.DecodeRgb(prompt.ImagePath, 16)], 16);
        while (sequence.Count < prompt.Tokens.Length + GreedyGenerator.MaximumNewTokens)
        {
            var embeddings = _model.Embed(tensor(sequence.ToArray(), [1, sequence.Count]), images);
            var next = _model.Decoder.Logits(_model.Decoder.Hidden(embeddings))[0, -1].argmax().item<long>();
            if (next == EndOfText)
            {
                break;
            }

            sequence.Add(next);
        }

        return [.. sequence.Skip(prompt.Tokens.Length).Select(token => (int)token)];
    }
}
