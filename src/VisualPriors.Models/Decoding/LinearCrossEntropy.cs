using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>
/// Output head and cross-entropy in one: logits are made chunk by chunk, in the forward pass for the losses and again in the backward pass
/// for their gradient, so that [N, V] never exists.
/// </summary>
internal sealed class LinearCrossEntropy : autograd.SingleTensorFunction<LinearCrossEntropy>
{
    private const long Ignored = -100;
    private const long ChunkElements = 1 << 23;

    /// <inheritdoc/>
    public override string Name => nameof(LinearCrossEntropy);

    /// <summary>Arguments: hidden [N, D], head [V, D], labels [N].</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (hidden, head, labels) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        var valid = labels.ne(Ignored);
        var targets = labels.clamp_min(0).unsqueeze(-1); // [N, 1]
        var logSums = empty(hidden.size(0), ScalarType.Float32, hidden.device); // [N]
        var picked = empty_like(logSums);
        foreach (var (start, length) in Chunks(hidden, head))
        {
            using var chunk = NewDisposeScope();
            var logits = hidden.narrow(0, start, length).matmul(head.t()).to(ScalarType.Float32); // [chunk, V]
            logSums.narrow(0, start, length).copy_(logits.logsumexp(-1));
            picked.narrow(0, start, length).copy_(logits.gather(-1, targets.narrow(0, start, length)).squeeze(-1));
        }

        ctx.save_for_backward([hidden, head, targets, valid, logSums]);
        return (logSums - picked) * valid;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (hidden, head, targets, valid, logSums) = (saved[0], saved[1], saved[2], saved[3], saved[4]);
        using var scope = NewDisposeScope();
        var scale = (grad_output * valid).unsqueeze(-1); // [N, 1]
        var hiddenGradient = empty_like(hidden);
        var headGradient = zeros_like(head, ScalarType.Float32);
        foreach (var (start, length) in Chunks(hidden, head))
        {
            using var chunk = NewDisposeScope();
            var rows = hidden.narrow(0, start, length);
            var gradient = rows.matmul(head.t()).to(ScalarType.Float32).sub_(logSums.narrow(0, start, length).unsqueeze(-1)).exp_();
            gradient.scatter_add_(-1, targets.narrow(0, start, length), full_like(targets.narrow(0, start, length), -1, ScalarType.Float32));
            gradient = gradient.mul_(scale.narrow(0, start, length)).to(hidden.dtype); // softmax - one-hot, times the loss's own gradient
            hiddenGradient.narrow(0, start, length).copy_(gradient.matmul(head));
            headGradient.add_(gradient.t().matmul(rows));
        }

        return [hiddenGradient.MoveToOuterDisposeScope(), headGradient.to(head.dtype).MoveToOuterDisposeScope(), null!];
    }

    private static IEnumerable<(long Start, long Length)> Chunks(Tensor hidden, Tensor head)
    {
        var rows = hidden.size(0);
        var most = Math.Max(1, ChunkElements / head.size(0));
        for (long start = 0; start < rows; start += most)
        {
            yield return (start, Math.Min(most, rows - start));
        }
    }
}
