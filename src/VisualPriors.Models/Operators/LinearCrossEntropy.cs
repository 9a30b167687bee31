using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models.Operators;

/// <summary>
/// Output head and cross-entropy in one: each chunk of logits becomes losses and, in its own place, the gradient of those losses. One chunk
/// is the most that is ever held: when it is all there is, it is kept for the backward pass, else the chunks are made again there.
/// Shapes in comments: N rows, D hidden size, V vocabulary.
/// </summary>
internal sealed unsafe class LinearCrossEntropy : autograd.SingleTensorFunction<LinearCrossEntropy>
{
    private const long Ignored = -100;

    /// <summary>Most logits held at once.</summary>
    private const long ChunkElements = 1 << 24;

    /// <inheritdoc/>
    public override string Name => nameof(LinearCrossEntropy);

    /// <summary>hidden [N, D], head [V, D] and labels [N] (-100 where there is nothing to learn) to losses [N] in fp32, 0 where the label is -100.</summary>
    public static Tensor Apply(Tensor hidden, Tensor head, Tensor labels, long chunkElements = ChunkElements) =>
        apply(hidden, head, labels.contiguous(), chunkElements, is_grad_enabled());

    /// <summary>Arguments: hidden, head, labels, most logits held at once, whether there will be a backward pass.</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (hidden, head, labels) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], (Tensor)vars[2]);
        var (chunkElements, differentiable) = ((long)vars[3], (bool)vars[4]);
        var losses = empty(hidden.size(0), ScalarType.Float32, hidden.device);
        Tensor? kept = null;
        foreach (var (start, length) in Chunks(hidden, head, chunkElements))
        {
            using var scope = NewDisposeScope();
            var gradient = Gradient(
                hidden.narrow(0, start, length), head, labels.narrow(0, start, length), losses.narrow(0, start, length));
            kept = differentiable && length == hidden.size(0) ? gradient.MoveToOuterDisposeScope() : null;
        }

        ctx.save_for_backward([hidden, head, labels, kept!]);
        ctx.save_data(nameof(ChunkElements), chunkElements);
        return losses;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (hidden, head, labels, kept) = (saved[0], saved[1], saved[2], saved[3]);
        var scales = grad_output.to(hidden.dtype).unsqueeze(-1); // [N, 1]
        var hiddenGradient = empty_like(hidden);
        Tensor? headGradient = null;
        foreach (var (start, length) in Chunks(hidden, head, (long)ctx.get_data(nameof(ChunkElements))))
        {
            using var scope = NewDisposeScope();
            var (rows, scale) = (hidden.narrow(0, start, length), scales.narrow(0, start, length));
            var gradient = kept ?? Gradient(rows, head, labels.narrow(0, start, length), empty(length, ScalarType.Float32, hidden.device));
            hiddenGradient.narrow(0, start, length).copy_(gradient.matmul(head).mul_(scale));
            var part = gradient.t().matmul(rows * scale);
            headGradient = length == hidden.size(0) ? part : (headGradient?.add_(part) ?? part.to(ScalarType.Float32));
            headGradient.MoveToOuterDisposeScope();
        }

        return [hiddenGradient, headGradient!.to(head.dtype), null!, null!, null!];
    }

    /// <summary>Gradient of the rows' losses by their logits, [n, V]: softmax less one at the label, 0 where the label is ignored. Fills losses [n].</summary>
    private static Tensor Gradient(Tensor hidden, Tensor head, Tensor labels, Tensor losses)
    {
        var logits = hidden.matmul(head.t());
        if (CpuKernels.Take(logits, head.size(0)))
        {
            CpuParallel.For(labels.size(0), CpuKernels.Grain(head.size(0)), logits.dtype == ScalarType.BFloat16
                ? (begin, end) => InPlace<Bf16>(logits, labels, losses, begin, end)
                : (begin, end) => InPlace<Fp32>(logits, labels, losses, begin, end));
            return logits;
        }

        var valid = labels.ne(Ignored);
        var targets = labels.clamp_min(0).unsqueeze(-1); // [n, 1]
        var logarithms = logits.to(ScalarType.Float32).log_softmax(-1);
        losses.copy_(-logarithms.gather(-1, targets).squeeze(-1) * valid);
        var gradient = logarithms.exp_().scatter_add_(-1, targets, full_like(targets, -1, ScalarType.Float32));
        return (gradient * valid.unsqueeze(-1)).to(logits.dtype);
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
            if (label == Ignored)
            {
                *loss = 0;
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

    private static IEnumerable<(long Start, long Length)> Chunks(Tensor hidden, Tensor head, long chunkElements)
    {
        var rows = hidden.size(0);
        var most = Math.Max(1, chunkElements / head.size(0));
        for (long start = 0; start < rows; start += most)
        {
            yield return (start, Math.Min(most, rows - start));
        }
    }
}
