using VisualPriors.Data.Images;
using VisualPriors.Models;
using static TorchSharp.torch;

namespace VisualPriors.Evaluation.Generation;

/// <summary>What a model is to continue.</summary>
/// <param name="Tokens">Token ids; a run of <see cref="MultimodalModel.ImageToken"/> where the image goes.</param>
/// <param name="ImagePath">The image; null when the tokens have no place for one.</param>
public sealed record GenerationPrompt(int[] Tokens, string? ImagePath);

/// <summary>One prompt's continuation.</summary>
/// <param name="Index">The prompt's place among those given.</param>
/// <param name="Tokens">What the model wrote, without end-of-text.</param>
public readonly record struct Continuation(int Index, int[] Tokens);

/// <summary>
/// Continues prompts by the likeliest token each time (temperature 0, paper.md 4.1), many at once. Only prompts of one length share a
/// batch: there is no padding, so a prompt is computed as it would be alone, whatever stands beside it.
/// </summary>
/// <param name="model">The model; its encoder, projector and decoder are on one device.</param>
/// <param name="endOfText">Token that ends a continuation.</param>
public sealed class GreedyGenerator(MultimodalModel model, int endOfText)
{
    /// <summary>Longest continuation in tokens (paper.md 4.3: lmms-eval's 16).</summary>
    public const int MaximumNewTokens = 16;

    /// <summary>Prompts at once: wide enough to fill matrix products, small enough that progress is seen.</summary>
    private const int BatchSize = 64;

    /// <summary>Continues every prompt. Results come batch by batch, not in the prompts' order.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">An image does not decode.</exception>
    /// <exception cref="OperationCanceledException">Stopped; seen before every batch and every token.</exception>
    public IEnumerable<Continuation> Generate(IReadOnlyList<GenerationPrompt> prompts, CancellationToken cancellationToken)
    {
        var batches = Enumerable.Range(0, prompts.Count)
            .GroupBy(i => (prompts[i].Tokens.Length, HasImage: prompts[i].ImagePath is not null))
            .OrderBy(group => group.Key.Length).ThenBy(group => group.Key.HasImage)
            .SelectMany(group => group.Chunk(BatchSize));
        foreach (var batch in batches)
        {
            var outputs = Continue([.. batch.Select(i => prompts[i])], cancellationToken);
            for (var i = 0; i < batch.Length; i++)
            {
                yield return new Continuation(batch[i], outputs[i]);
            }
        }
    }

    private int[][] Continue(GenerationPrompt[] prompts, CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var cache = new KeyValueCache(model.Decoder.Configuration);
        var outputs = prompts.Select(_ => new List<int>(MaximumNewTokens)).ToArray();
        var hasEnded = new bool[prompts.Length];
        var embeddings = EmbedPrompts(prompts, cancellationToken); // [B, T, D], then [B, 1, D]
        for (var count = 0; count < MaximumNewTokens; count++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            var hidden = model.Decoder.Hidden(embeddings, cache);
            var next = model.Decoder.Logits(hidden.select(1, -1)).argmax(-1); // [B]
            var tokens = next.cpu().data<long>();
            for (var i = 0; i < prompts.Length; i++)
            {
                hasEnded[i] |= tokens[i] == endOfText;
                if (!hasEnded[i])
                {
                    outputs[i].Add((int)tokens[i]);
                }
            }

            if (Array.TrueForAll(hasEnded, ended => ended))
            {
                break;
            }

            embeddings = model.Decoder.Embed(next.unsqueeze(1)).MoveToOuterDisposeScope();
        }

        return [.. outputs.Select(output => output.ToArray())];
    }

    private Tensor EmbedPrompts(GenerationPrompt[] prompts, CancellationToken cancellationToken)
    {
        var device = model.Decoder.Device;
        var flat = prompts.SelectMany(prompt => prompt.Tokens).Select(token => (long)token).ToArray();
        var tokens = tensor(flat, [prompts.Length, prompts[0].Tokens.Length]).to(device);
        if (prompts[0].ImagePath is null)
        {
            return model.Embed(tokens, images: null);
        }

        var size = model.Encoder.Configuration.ImageSize;
        var pixels = new byte[prompts.Length][];
        for (var i = 0; i < prompts.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            pixels[i] = ImageDecoder.DecodeRgb(prompts[i].ImagePath!, size);
        }

        return model.Embed(tokens, ImageNormalisation.FromRgb(pixels, size).to(device));
    }
}
