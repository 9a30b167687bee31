using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models.Operators;

/// <summary>Root-mean-square normalisation over the last axis: <c>y = x r w</c> with <c>r = 1 / sqrt(mean(x²) + eps)</c>.</summary>
internal sealed unsafe class RmsNorm : autograd.SingleTensorFunction<RmsNorm>
{
    /// <summary>Rows whose weight gradients are summed together: fixed, so that sums do not depend on the number of threads.</summary>
    private const long BlockRows = 64;

    /// <inheritdoc/>
    public override string Name => nameof(RmsNorm);

    /// <summary>x [..., D] and weight [D] to [..., D].</summary>
    public static Tensor Apply(Tensor x, Tensor weight, double epsilon) =>
        CpuKernels.Take(x, weight.size(0)) ? apply(x, weight, epsilon) : TorchOps.RmsNorm(x, weight, epsilon);

    /// <summary>Arguments: x, weight, epsilon.</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, weight, epsilon) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], (float)(double)vars[2]);
        var rows = x.numel() / weight.size(0);
        var y = empty_like(x);
        var scales = empty(rows, ScalarType.Float32); // r of every row
        CpuParallel.For(rows, CpuKernels.Grain(weight.size(0)), x.dtype == ScalarType.BFloat16
            ? (begin, end) => Forward<Bf16>(x, weight, scales, y, begin, end, epsilon)
            : (begin, end) => Forward<Fp32>(x, weight, scales, y, begin, end, epsilon));
        ctx.save_for_backward([x, weight, scales]);
        return y;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (x, weight, scales, dy) = (saved[0], saved[1], saved[2], grad_output.contiguous());
        var dx = empty_like(x);
        var blocks = (scales.size(0) + BlockRows - 1) / BlockRows;
        var partial = zeros(blocks, weight.size(0), ScalarType.Float32); // weight gradient by block of rows
        CpuParallel.For(blocks, 1, x.dtype == ScalarType.BFloat16
            ? (begin, end) => Backward<Bf16>(x, weight, scales, dy, dx, partial, begin, end)
            : (begin, end) => Backward<Fp32>(x, weight, scales, dy, dx, partial, begin, end));
        return [dx, partial.sum(dim: 0).to(weight.dtype), null!];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward<T>(Tensor x, Tensor weight, Tensor scales, Tensor y, long begin, long end, float epsilon)
        where T : unmanaged, ICpuElement<T>
    {
        var width = weight.size(0);
        var xs = (T*)TensorMemory.Address(x);
        var ws = (T*)TensorMemory.Address(weight);
        var rs = (float*)TensorMemory.Address(scales);
        var ys = (T*)TensorMemory.Address(y);
        for (var row = begin; row < end; row++)
        {
            var from = xs + (row * width);
            var to = ys + (row * width);
            var squares = Vector512<float>.Zero;
            for (long i = 0; i < width; i += CpuKernels.Lanes)
            {
                var v = T.Load(from + i);
                squares = Vector512.FusedMultiplyAdd(v, v, squares);
            }

            var r = 1 / MathF.Sqrt((Vector512.Sum(squares) / width) + epsilon);
            rs[row] = r;
            for (long i = 0; i < width; i += CpuKernels.Lanes)
            {
                T.Store(T.Load(from + i) * r * T.Load(ws + i), to + i);
            }
        }
    }

    /// <summary>With n = x r: dx = r (dy w - n mean(dy w n)) and dw = sum over rows of dy n.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward<T>(Tensor x, Tensor weight, Tensor scales, Tensor dy, Tensor dx, Tensor partial, long begin, long end)
        where T : unmanaged, ICpuElement<T>
    {
        var (rows, width) = (scales.size(0), weight.size(0));
        var ws = (T*)TensorMemory.Address(weight);
        var rs = (float*)TensorMemory.Address(scales);
        for (var row = begin * BlockRows; row < Math.Min(rows, end * BlockRows); row++)
        {
            var offset = row * width;
            var xs = (T*)TensorMemory.Address(x) + offset;
            var gs = (T*)TensorMemory.Address(dy) + offset;
            var to = (T*)TensorMemory.Address(dx) + offset;
            var dw = (float*)TensorMemory.Address(partial) + (row / BlockRows * width);
            var r = rs[row];
            var products = Vector512<float>.Zero;
            for (long i = 0; i < width; i += CpuKernels.Lanes)
            {
                var (g, n) = (T.Load(gs + i), T.Load(xs + i) * r);
                products = Vector512.FusedMultiplyAdd(g * T.Load(ws + i), n, products);
                Vector512.FusedMultiplyAdd(g, n, Vector512.Load(dw + i)).Store(dw + i);
            }

            var mean = Vector512.Sum(products) / width;
            for (long i = 0; i < width; i += CpuKernels.Lanes)
            {
                T.Store(((T.Load(gs + i) * T.Load(ws + i)) - (T.Load(xs + i) * r * mean)) * r, to + i);
            }
        }
    }
}
