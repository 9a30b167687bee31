using VisualPriors.Data.Images;
using VisualPriors.Models;
using static TorchSharp.torch;

namespace VisualPriors.Evaluation.Generation;

/// <summary>A prompt and the answers that it may have.</summary>
/// <param name="Prompt">What the answers follow.</param>
/// <param name="Answers">Token ids of every answer, its end included.</param>
public sealed record ChoicePrompt(GenerationPrompt Prompt, IReadOnlyList<int[]> Answers);

/// <summary>
/// Picks the answer that a model finds likeliest, by the sum of its tokens' log-probabilities: the harnesses' way (lm-eval's
/// <c>multiple_choice</c>) with models too small to keep to the options when they write freely.
/// </summary>
/// <param name="model">The model; its encoder, projector and decoder are on one device.</param>
public sealed class ChoiceRanker(MultimodalModel model)
{
    /// <summary>Prompts at once.</summary>
    private const int BatchSize = 16;

    /// <summary>The index of the likeliest answer of every prompt, batch by batch in the prompts' order.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">An image does not decode.</exception>
    /// <exception cref="OperationCanceledException">Stopped; seen before every batch.</exception>
    public IEnumerable<(int Index, int Answer)> Choose(IReadOnlyList<ChoicePrompt> prompts, CancellationToken cancellationToken)
    {
        for (var first = 0; first < prompts.Count; first += BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var batch = prompts.Skip(first).Take(BatchSize).ToList();
            var losses = Losses(batch);
            var at = 0;
            for (var i = 0; i < batch.Count; i++)
            {
                var own = losses.AsSpan(at, batch[i].Answers.Count);
                at += own.Length;
                yield return (first + i, IndexOfSmallest(own));
            }
        }
    }

    /// <summary>Negative log-probability of every answer of every prompt, one after another.</summary>
    private double[] Losses(IReadOnlyList<ChoicePrompt> prompts)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var sequences = prompts.SelectMany(prompt => prompt.Answers.Select(answer => (prompt.Prompt, Answer: answer))).ToList();

        // The last token of an answer is predicted, never read. Padding stands behind, where causal attention does not look.
        var length = sequences.Max(sequence => sequence.Prompt.Tokens.Length + sequence.Answer.Length) - 1;
        var tokens = new long[sequences.Count * length];
        var (positions, labels, owners) = (new List<long>(), new List<long>(), new List<int>());
        for (var row = 0; row < sequences.Count; row++)
        {
            var (prompt, answer) = sequences[row];
            for (var t = 0; t < prompt.Tokens.Length; t++)
            {
                tokens[(row * length) + t] = prompt.Tokens[t];
            }

            for (var t = 0; t < answer.Length; t++)
            {
                positions.Add((row * length) + prompt.Tokens.Length - 1 + t);
                labels.Add(answer[t]);
                owners.Add(row);
                if (t + 1 < answer.Length)
                {
                    tokens[(row * length) + prompt.Tokens.Length + t] = answer[t];
                }
            }
        }

        var device = model.Decoder.Device;
        var embeddings = model.Embed(tensor(tokens).view(sequences.Count, length).to(device), Images(prompts)?.to(device));
        var hidden = model.Decoder.Hidden(embeddings);
        var chosen = hidden.view(-1, hidden.shape[^1]).index_select(0, tensor(positions.ToArray()).to(device));
        var tokenLosses = model.Decoder.TokenLosses(chosen, tensor(labels.ToArray()).to(device)).cpu().data<float>();
        var losses = new double[sequences.Count];
        for (var i = 0; i < owners.Count; i++)
        {
            losses[owners[i]] += tokenLosses[i];
        }

        return losses;
    }

    /// <summary>Every prompt's image once for each of its answers; null when the prompts have none.</summary>
    private Tensor? Images(IReadOnlyList<ChoicePrompt> prompts)
    {
        if (prompts[0].Prompt.ImagePath is null)
        {
            return null;
        }

        var size = model.Encoder.Configuration.ImageSize;
        return ImageNormalisation.FromRgb(
            [.. prompts.SelectMany(prompt => Enumerable.Repeat(ImageDecoder.DecodeRgb(prompt.Prompt.ImagePath!, size), prompt.Answers.Count))], size);
    }

    private static int IndexOfSmallest(ReadOnlySpan<double> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            best = values[i] < values[best] ? i : best;
        }

        return best;
    }
}
