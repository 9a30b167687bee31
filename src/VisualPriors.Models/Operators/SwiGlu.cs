using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models.Operators;

/// <summary>The gated activation <c>y = silu(gate) up</c>, gate and up side by side in one tensor.</summary>
internal sealed unsafe class SwiGlu : autograd.SingleTensorFunction<SwiGlu>
{
    /// <inheritdoc/>
    public override string Name => nameof(SwiGlu);

    /// <summary>[..., 2 F] (gate first) to [..., F].</summary>
    public static Tensor Apply(Tensor gateUp)
    {
        if (CpuKernels.Take(gateUp, gateUp.size(-1) / 2))
        {
            return apply(gateUp);
        }

        var parts = gateUp.chunk(2, dim: -1);
        return nn.functional.silu(parts[0]) * parts[1];
    }

    /// <summary>Arguments: gate and up.</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var x = ((Tensor)vars[0]).contiguous();
        var shape = x.shape;
        var width = shape[^1] /= 2;
        var y = empty(shape, x.dtype);
        CpuParallel.For(y.numel() / width, CpuKernels.Grain(width), x.dtype == ScalarType.BFloat16
            ? (begin, end) => Forward<Bf16>(x, y, width, begin, end)
            : (begin, end) => Forward<Fp32>(x, y, width, begin, end));
        ctx.save_for_backward([x]);
        return y;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (x, dy) = (ctx.get_saved_variables()[0], grad_output.contiguous());
        var width = dy.size(-1);
        var dx = empty_like(x);
        CpuParallel.For(dy.numel() / width, CpuKernels.Grain(width), x.dtype == ScalarType.BFloat16
            ? (begin, end) => Backward<Bf16>(x, dy, dx, width, begin, end)
            : (begin, end) => Backward<Fp32>(x, dy, dx, width, begin, end));
        return [dx];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward<T>(Tensor x, Tensor y, long width, long begin, long end)
        where T : unmanaged, ICpuElement<T>
    {
        var xs = (T*)TensorMemory.Address(x);
        var ys = (T*)TensorMemory.Address(y);
        for (var row = begin; row < end; row++)
        {
            var gates = xs + (2 * row * width);
            var ups = xs + (((2 * row) + 1) * width);
            var to = ys + (row * width);
            for (long i = 0; i < width; i += CpuKernels.Lanes)
            {
                var gate = T.Load(gates + i);
                T.Store(gate * CpuKernels.Sigmoid(gate) * T.Load(ups + i), to + i);
            }
        }
    }

    /// <summary>With s = sigmoid(gate): d gate = dy up s (1 + gate (1 - s)), d up = dy gate s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward<T>(Tensor x, Tensor dy, Tensor dx, long width, long begin, long end)
        where T : unmanaged, ICpuElement<T>
    {
        var xs = (T*)TensorMemory.Address(x);
        var gs = (T*)TensorMemory.Address(dy);
        var to = (T*)TensorMemory.Address(dx);
        for (var row = begin; row < end; row++)
        {
            var (gates, ups) = (2 * row * width, ((2 * row) + 1) * width);
            for (long i = 0; i < width; i += CpuKernels.Lanes)
            {
                var (gate, g) = (T.Load(xs + gates + i), T.Load(gs + (row * width) + i));
                var s = CpuKernels.Sigmoid(gate);
                T.Store(g * T.Load(xs + ups + i) * s * (Vector512<float>.One + (gate * (Vector512<float>.One - s))), to + gates + i);
                T.Store(g * gate * s, to + ups + i);
            }
        }
    }
}
