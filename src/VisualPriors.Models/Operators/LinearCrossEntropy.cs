using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models.Operators;

/// <summary>
/// Output head and cross-entropy in one. Logits are made in blocks of rows that stay in the cache while they become losses and, in their own
/// place, the gradient of those losses. Up to a limit the gradient is kept for the backward pass; beyond it, blocks are made again there.
/// Shapes in comments: N rows, D hidden size, V vocabulary.
/// </summary>
internal sealed unsafe class LinearCrossEntropy : autograd.SingleTensorFunction<LinearCrossEntropy>
{
    private const long Ignored = -100;

    /// <summary>Most logits made at once: about what a core's cache holds.</summary>
    private const long BlockElements = 1 << 21;

    /// <summary>Most elements of gradient kept.</summary>
    private const long KeptElements = 1 << 25;

    /// <inheritdoc/>
    public override string Name => nameof(LinearCrossEntropy);

    /// <summary>hidden [N, D], head [V, D] and labels [N] (-100 where there is nothing to learn) to losses [N] in fp32, 0 where the label is -100.</summary>
    public static Tensor Apply(
        Tensor hidden, Tensor head, Tensor labels, long blockElements = BlockElements, long keptElements = KeptElements)
    {
        var keeps = is_grad_enabled() && hidden.size(0) * head.size(0) <= keptElements;
        return apply(hidden, head, labels.contiguous(), Math.Max(1, blockElements / head.size(0)), keeps);
    }

    /// <summary>Arguments: hidden, head, labels, rows of a block, whether the gradient is kept.</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (hidden, head, labels) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], (Tensor)vars[2]);
        var (blockRows, keeps) = ((long)vars[3], (bool)vars[4]);
        var losses = empty(hidden.size(0), ScalarType.Float32, hidden.device);
        var logits = empty(keeps ? hidden.size(0) : Math.Min(blockRows, hidden.size(0)), head.size(0), hidden.dtype, hidden.device);
        foreach (var (start, length) in Blocks(hidden, blockRows))
        {
            using var scope = NewDisposeScope();
            Differentiate(
                logits.narrow(0, keeps ? start : 0, length), hidden.narrow(0, start, length), head, labels.narrow(0, start, length),
                losses.narrow(0, start, length));
        }

        ctx.save_for_backward([hidden, head, labels, keeps ? logits : null!]);
        ctx.save_data(nameof(Blocks), blockRows);
        return losses;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (hidden, head, labels, kept) = (saved[0], saved[1], saved[2], saved[3]);
        var scales = grad_output.to(hidden.dtype).unsqueeze(-1); // [N, 1]
        if (kept is not null)
        {
            // A frozen head, as in visual alignment, saves a third of the work.
            return [kept.matmul(head).mul_(scales), head.requires_grad ? kept.t().matmul(hidden * scales) : null!, null!, null!, null!];
        }

        var blockRows = (long)ctx.get_data(nameof(Blocks));
        var logits = empty(Math.Min(blockRows, hidden.size(0)), head.size(0), hidden.dtype, hidden.device);
        var losses = empty(hidden.size(0), ScalarType.Float32, hidden.device);
        var hiddenGradient = empty_like(hidden);
        var headGradient = zeros_like(head, ScalarType.Float32);
        foreach (var (start, length) in Blocks(hidden, blockRows))
        {
            using var scope = NewDisposeScope();
            var (block, rows, scale) = (logits.narrow(0, 0, length), hidden.narrow(0, start, length), scales.narrow(0, start, length));
            Differentiate(block, rows, head, labels.narrow(0, start, length), losses.narrow(0, start, length));
            hiddenGradient.narrow(0, start, length).copy_(block.matmul(head).mul_(scale));
            headGradient.PlusInPlace(block.t().matmul(rows * scale));
        }

        return [hiddenGradient, headGradient.to(head.dtype), null!, null!, null!];
    }

    /// <summary>
    /// Fills logits [n, V] with the gradient of the rows' losses by their logits (softmax less one at the label, 0 where the label is
    /// ignored), and losses [n].
    /// </summary>
    private static void Differentiate(Tensor logits, Tensor hidden, Tensor head, Tensor labels, Tensor losses)
    {
        TorchOps.MatrixProduct(logits, hidden, head.t());
        if (CpuKernels.Take(logits, head.size(0)))
        {
            CpuParallel.For(labels.size(0), CpuKernels.Grain(head.size(0)), logits.dtype == ScalarType.BFloat16
                ? (begin, end) => InPlace<Bf16>(logits, labels, losses, begin, end)
                : (begin, end) => InPlace<Fp32>(logits, labels, losses, begin, end));
            return;
        }

        var valid = labels.ne(Ignored);
        var targets = labels.AtLeastZero().unsqueeze(-1); // [n, 1]
        var logarithms = logits.to(ScalarType.Float32).log_softmax(-1);
        losses.copy_(-logarithms.gather(-1, targets).squeeze(-1) * valid);
        var gradient = logarithms.exp_().scatter_add_(-1, targets, full_like(targets, -1, ScalarType.Float32));
        logits.copy_(gradient * valid.unsqueeze(-1));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void InPlace<T>(Tensor logits, Tensor labels, Tensor losses, long begin, long end)
        where T : unmanaged, ICpuElement<T>
    {
        var width = logits.size(1);
        for (var row = begin; row < end; row++)
        {
            var x = (T*)TensorMemory.Address(logits) + (row * width);
            var label = ((long*)TensorMemory.Address(labels))[row];
            var loss = (float*)TensorMemory.Address(losses) + row;
            if (label == Ignored || (ulong)label >= (ulong)width)
            {
                *loss = label == Ignored ? 0 : float.NaN; // a kernel must not throw; training stops at a loss that is not finite
                new Span<T>(x, (int)width).Clear();
                continue;
            }

            var highest = Vector512.Create(float.NegativeInfinity);
            for (long i = 0; i < width; i += CpuKernels.Lanes)
            {
                highest = Vector512.Max(highest, T.Load(x + i));
            }

            var maximum = CpuKernels.Max(highest);
            var sums = Vector512<float>.Zero;
            for (long i = 0; i < width; i += CpuKernels.Lanes)
            {
                sums += CpuKernels.Exp(T.Load(x + i) - Vector512.Create(maximum));
            }

            var sum = Vector512.Sum(sums);
            var logSum = maximum + MathF.Log(sum);
            var first = x + (label / CpuKernels.Lanes * CpuKernels.Lanes);
            var atLabel = Vector512.Equals(Vector512<int>.Indices, Vector512.Create((int)(label % CpuKernels.Lanes))).AsSingle();
            *loss = logSum - Vector512.Sum(Vector512.ConditionalSelect(atLabel, T.Load(first), Vector512<float>.Zero));

            // The label's own sixteen are set apart, so that one is taken off before rounding.
            var corrected = CpuKernels.Exp(T.Load(first) - Vector512.Create(logSum))
                - Vector512.ConditionalSelect(atLabel, Vector512<float>.One, Vector512<float>.Zero);
            for (long i = 0; i < width; i += CpuKernels.Lanes)
            {
                T.Store(CpuKernels.Exp(T.Load(x + i) - Vector512.Create(logSum)), x + i);
            }

            T.Store(corrected, first);
        }
    }

    private static IEnumerable<(long Start, long Length)> Blocks(Tensor hidden, long blockRows)
    {
        for (long start = 0; start < hidden.size(0); start += blockRows)
        {
            yield return (start, Math.Min(blockRows, hidden.size(0) - start));
        }
    }
}
