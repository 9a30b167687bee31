using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>Operators of libtorch that TorchSharp does not wrap (or not with the arguments needed), called through its C ABI.</summary>
public static class TorchOps
{
    /// <summary>Root-mean-square normalisation over the last axis: <c>x / sqrt(mean(x²) + eps) * weight</c>.</summary>
    /// <param name="x">[..., D].</param>
    /// <param name="weight">[D].</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <returns>[..., D], of x's type.</returns>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        var call = default(DispatcherCall);
        call.Push(x);
        call.Push([weight.size(0)]);
        call.PushOptional(weight);
        call.PushOptional(epsilon);
        call.Invoke("aten::rms_norm"u8, ""u8);
        return call.Result();
    }

    /// <summary>Scaled dot-product attention.</summary>
    /// <param name="query">[B, H, Tq, E].</param>
    /// <param name="key">[B, H or a divisor of it, Tk, E].</param>
    /// <param name="value">Shaped like <paramref name="key"/>.</param>
    /// <param name="mask">Broadcastable to [B, H, Tq, Tk]: true (or 0) where attention is allowed, false (or -inf) where not.</param>
    /// <param name="isCausal">Whether query i sees keys 0..i only; excludes a mask.</param>
    /// <param name="enableGqa">Whether key and value heads are shared by groups of query heads.</param>
    /// <returns>[B, H, Tq, E].</returns>
    public static Tensor ScaledDotProductAttention(
        Tensor query, Tensor key, Tensor value, Tensor? mask = null, bool isCausal = false, bool enableGqa = false)
    {
        var call = default(DispatcherCall);
        call.Push(query);
        call.Push(key);
        call.Push(value);
        call.PushOptional(mask);
        call.Push(0.0); // dropout
        call.Push(isCausal);
        call.PushOptional((double?)null); // scale: 1/sqrt(E)
        call.Push(enableGqa);
        call.Invoke("aten::scaled_dot_product_attention"u8, ""u8);
        return call.Result();
    }

    /// <summary>Matrix product into existing memory.</summary>
    /// <param name="result">[n, m], overwritten; not differentiable.</param>
    /// <param name="left">[n, k].</param>
    /// <param name="right">[k, m].</param>
    public static void MatrixProduct(Tensor result, Tensor left, Tensor right)
    {
        Interop.LibTorch.Check(Interop.LibTorch.MatrixProduct(result.Handle, left.Handle, right.Handle), "aoti_torch_mm_out");
        GC.KeepAlive(result);
        GC.KeepAlive(left);
        GC.KeepAlive(right);
    }

    /// <summary>Rows of a table.</summary>
    /// <param name="weight">[V, D].</param>
    /// <param name="indices">[...] int64.</param>
    /// <returns>[..., D].</returns>
    public static Tensor Embedding(Tensor weight, Tensor indices)
    {
        var call = default(DispatcherCall);
        call.Push(weight);
        call.Push(indices);
        call.Push(-1L); // no padding row
        call.Push(false); // scale_grad_by_freq
        call.Push(false); // sparse
        call.Invoke("aten::embedding"u8, ""u8);
        return call.Result();
    }

    /// <summary>One AdamW step in place, all in one kernel per tensor (decoupled weight decay, bias correction by <paramref name="steps"/>).</summary>
    /// <param name="parameters">fp32 parameters, updated.</param>
    /// <param name="gradients">Gradients; divided by <paramref name="gradientScale"/> in place.</param>
    /// <param name="firstMoments">Updated.</param>
    /// <param name="secondMoments">Updated.</param>
    /// <param name="steps">fp32 scalars: the number of this step, counted from 1.</param>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <param name="beta1">First moment's decay.</param>
    /// <param name="beta2">Second moment's decay.</param>
    /// <param name="weightDecay">Decoupled weight decay.</param>
    /// <param name="epsilon">Added to the denominator.</param>
    /// <param name="gradientScale">fp32 scalar on the device: what gradients are divided by.</param>
    /// <param name="foundInfinite">fp32 scalar on the device: 1 leaves everything as it is.</param>
    public static void FusedAdamW(
        IReadOnlyList<Tensor> parameters,
        IReadOnlyList<Tensor> gradients,
        IReadOnlyList<Tensor> firstMoments,
        IReadOnlyList<Tensor> secondMoments,
        IReadOnlyList<Tensor> steps,
        double learningRate,
        double beta1,
        double beta2,
        double weightDecay,
        double epsilon,
        Tensor? gradientScale = null,
        Tensor? foundInfinite = null)
    {
        var call = default(DispatcherCall);
        call.Push(parameters);
        call.Push(gradients);
        call.Push(firstMoments);
        call.Push(secondMoments);
        call.Push((IReadOnlyList<Tensor>)[]); // maxima, for amsgrad only
        call.Push(steps);
        call.Push(learningRate);
        call.Push(beta1);
        call.Push(beta2);
        call.Push(weightDecay);
        call.Push(epsilon);
        call.Push(false); // amsgrad
        call.Push(false); // maximize
        call.PushOptional(gradientScale);
        call.PushOptional(foundInfinite);
        call.Invoke("aten::_fused_adamw_"u8, ""u8);
    }
}
