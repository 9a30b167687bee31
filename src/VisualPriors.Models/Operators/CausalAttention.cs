using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models.Operators;

/// <summary>
/// Causal grouped-query attention with rotary positions on the CPU, from the joint projection to the mixed values. libtorch's flash kernel
/// for CPUs runs at a tenth of what its matrix products reach, so at short lengths the scores are formed by batched products instead: the
/// query heads that share a key head are stacked as rows, so keys and values are never repeated. Shapes in comments: B sequences, T positions, K key heads,
/// G query heads to a key head, E head size.
/// </summary>
internal sealed unsafe class CausalAttention : autograd.SingleTensorFunction<CausalAttention>
{
    /// <summary>Longest sequence whose score matrices (B K G T T elements a layer, kept for the backward pass) are formed.</summary>
    private const long MaximumLength = 1024;

    /// <inheritdoc/>
    public override string Name => nameof(CausalAttention);

    /// <summary>Whether this operator takes a projection; else split, rotate and attend by tensor operations.</summary>
    public static bool Takes(Tensor projection, long headSize) =>
        CpuKernels.Take(projection, headSize / 2) && projection.size(1) <= MaximumLength;

    /// <summary>projection [B, T, (K G + 2 K) E] (queries, keys, values), cosines and sines [T, E/2] fp32, to [B, T, K G E].</summary>
    public static Tensor Apply(Tensor projection, Tensor cosines, Tensor sines, long keyHeads, long headSize)
    {
        // Nobody sees positions after the last, so they can be anything.
        var length = projection.size(1);
        var missing = -length & (CpuKernels.Lanes - 1);
        return missing == 0
            ? apply(projection, cosines, sines, keyHeads, headSize)
            : apply(Extended(projection, missing), Extended(cosines, missing), Extended(sines, missing), keyHeads, headSize).narrow(1, 0, length);
    }

    /// <summary>Arguments: projection, cosines, sines, key heads, head size.</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (projection, cosines, sines) = (((Tensor)vars[0]).contiguous(), (Tensor)vars[1], (Tensor)vars[2]);
        var shape = new Shape(projection, (long)vars[3], (long)vars[4]);
        var type = projection.dtype;
        var query = empty(shape.Batch * shape.KeyHeads, shape.Group * shape.Length, shape.HeadSize, type);
        var key = empty(shape.Batch * shape.KeyHeads, shape.Length, shape.HeadSize, type);
        var value = empty_like(key);
        CpuParallel.For(shape.Batch * shape.Length, CpuKernels.Grain(projection.size(-1)), type == ScalarType.BFloat16
            ? (begin, end) => Split<Bf16>(shape, projection, cosines, sines, query, key, value, begin, end)
            : (begin, end) => Split<Fp32>(shape, projection, cosines, sines, query, key, value, begin, end));

        var weights = query.bmm(key.transpose(1, 2)); // [B K, G T, T]: scores, then attention weights in their place
        CpuParallel.For(weights.size(0) * weights.size(1), CpuKernels.Grain(shape.Length), type == ScalarType.BFloat16
            ? (begin, end) => Softmax<Bf16>(shape, weights, begin, end)
            : (begin, end) => Softmax<Fp32>(shape, weights, begin, end));
        ctx.save_for_backward([query, key, value, weights, cosines, sines]);
        ctx.save_data(nameof(Shape), shape);
        return weights.bmm(value) // [B K, G T, E]
            .view(shape.Batch, shape.KeyHeads * shape.Group, shape.Length, shape.HeadSize)
            .transpose(1, 2)
            .reshape(shape.Batch, shape.Length, -1);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var saved = ctx.get_saved_variables();
        var (query, key, value, weights, cosines, sines) = (saved[0], saved[1], saved[2], saved[3], saved[4], saved[5]);
        var shape = (Shape)ctx.get_data(nameof(Shape));
        var type = query.dtype;
        var mixedGradient = grad_output
            .view(shape.Batch, shape.Length, shape.KeyHeads * shape.Group, shape.HeadSize)
            .transpose(1, 2)
            .reshape(shape.Batch * shape.KeyHeads, shape.Group * shape.Length, shape.HeadSize);
        var valueGradient = weights.transpose(1, 2).bmm(mixedGradient); // [B K, T, E]
        var scoreGradient = mixedGradient.bmm(value.transpose(1, 2)); // [B K, G T, T]: of the weights, then of the scores in their place
        CpuParallel.For(weights.size(0) * weights.size(1), CpuKernels.Grain(shape.Length), type == ScalarType.BFloat16
            ? (begin, end) => SoftmaxBackward<Bf16>(shape, weights, scoreGradient, begin, end)
            : (begin, end) => SoftmaxBackward<Fp32>(shape, weights, scoreGradient, begin, end));
        var queryGradient = scoreGradient.bmm(key);
        var keyGradient = scoreGradient.transpose(1, 2).bmm(query);

        var gradient = empty([shape.Batch, shape.Length, shape.Width], type);
        CpuParallel.For(shape.Batch * shape.Length, CpuKernels.Grain(shape.Width), type == ScalarType.BFloat16
            ? (begin, end) => Join<Bf16>(shape, gradient, cosines, sines, queryGradient, keyGradient, valueGradient, begin, end)
            : (begin, end) => Join<Fp32>(shape, gradient, cosines, sines, queryGradient, keyGradient, valueGradient, begin, end));
        return [gradient, null!, null!, null!, null!];
    }

    /// <summary>[..., T, width] to [..., T + missing, width], with zeros.</summary>
    private static Tensor Extended(Tensor tensor, long missing) => nn.functional.pad(tensor, [0, 0, 0, missing]);

    /// <summary>Takes every position's heads apart, turns queries and keys, and scales queries by 1 / sqrt(E).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Split<T>(
        Shape shape, Tensor projection, Tensor cosines, Tensor sines, Tensor query, Tensor key, Tensor value, long begin, long end)
        where T : unmanaged, ICpuElement<T>
    {
        var size = shape.HeadSize;
        var scale = 1 / MathF.Sqrt(size);
        var cosine = (float*)TensorMemory.Address(cosines);
        var sine = (float*)TensorMemory.Address(sines);
        var queries = (T*)TensorMemory.Address(query);
        var keys = (T*)TensorMemory.Address(key);
        var values = (T*)TensorMemory.Address(value);
        var from = (T*)TensorMemory.Address(projection) + (begin * shape.Width);
        for (var position = begin; position < end; position++)
        {
            var cos = cosine + (position % shape.Length * size / 2);
            var sin = sine + (position % shape.Length * size / 2);
            for (long head = 0; head < shape.Heads; head++, from += size)
            {
                Rotate(from, queries + shape.QueryOffset(position, head), cos, sin, size / 2, scale, 1);
            }

            for (long head = 0; head < shape.KeyHeads; head++, from += size)
            {
                Rotate(from, keys + shape.KeyOffset(position, head), cos, sin, size / 2, 1, 1);
            }

            for (long head = 0; head < shape.KeyHeads; head++, from += size)
            {
                new Span<T>(from, (int)size).CopyTo(new Span<T>(values + shape.KeyOffset(position, head), (int)size));
            }
        }
    }

    /// <summary>The gradient of <see cref="Split"/>: puts the heads together again, turned back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Join<T>(
        Shape shape, Tensor projection, Tensor cosines, Tensor sines, Tensor query, Tensor key, Tensor value, long begin, long end)
        where T : unmanaged, ICpuElement<T>
    {
        var size = shape.HeadSize;
        var scale = 1 / MathF.Sqrt(size);
        var cosine = (float*)TensorMemory.Address(cosines);
        var sine = (float*)TensorMemory.Address(sines);
        var queries = (T*)TensorMemory.Address(query);
        var keys = (T*)TensorMemory.Address(key);
        var values = (T*)TensorMemory.Address(value);
        var to = (T*)TensorMemory.Address(projection) + (begin * shape.Width);
        for (var position = begin; position < end; position++)
        {
            var cos = cosine + (position % shape.Length * size / 2);
            var sin = sine + (position % shape.Length * size / 2);
            for (long head = 0; head < shape.Heads; head++, to += size)
            {
                Rotate(queries + shape.QueryOffset(position, head), to, cos, sin, size / 2, scale, -1);
            }

            for (long head = 0; head < shape.KeyHeads; head++, to += size)
            {
                Rotate(keys + shape.KeyOffset(position, head), to, cos, sin, size / 2, 1, -1);
            }

            for (long head = 0; head < shape.KeyHeads; head++, to += size)
            {
                new Span<T>(values + shape.KeyOffset(position, head), (int)size).CopyTo(new Span<T>(to, (int)size));
            }
        }
    }

    /// <summary>Turns one head by its position's angles (back, for a direction of -1) and scales it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rotate<T>(T* from, T* to, float* cosines, float* sines, long half, float scale, float direction)
        where T : unmanaged, ICpuElement<T>
    {
        for (long i = 0; i < half; i += CpuKernels.Lanes)
        {
            var (a, b) = (T.Load(from + i), T.Load(from + half + i));
            var (cos, sin) = (Vector512.Load(cosines + i) * scale, Vector512.Load(sines + i) * (scale * direction));
            T.Store((a * cos) - (b * sin), to + i);
            T.Store((b * cos) + (a * sin), to + half + i);
        }
    }

    /// <summary>In place, over the keys up to each query's own position; the others' weights become 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Softmax<T>(Shape shape, Tensor scores, long begin, long end)
        where T : unmanaged, ICpuElement<T>
    {
        var powers = stackalloc float[(int)shape.Length];
        var s = (T*)TensorMemory.Address(scores) + (begin * shape.Length);
        for (var row = begin; row < end; row++, s += shape.Length)
        {
            var t = row % shape.Length;
            var unseen = Vector512.Create(float.NegativeInfinity);
            var highest = unseen;
            for (long i = 0; i <= t; i += CpuKernels.Lanes)
            {
                var score = Vector512.ConditionalSelect(Seen(i, t), T.Load(s + i), unseen);
                highest = Vector512.Max(highest, score);
                score.Store(powers + i);
            }

            var maximum = CpuKernels.Max(highest);
            var sums = Vector512<float>.Zero;
            for (long i = 0; i <= t; i += CpuKernels.Lanes)
            {
                var power = Vector512.ConditionalSelect(Seen(i, t), CpuKernels.Exp(Vector512.Load(powers + i) - Vector512.Create(maximum)), Vector512<float>.Zero);
                sums += power;
                power.Store(powers + i);
            }

            var inverse = 1 / Vector512.Sum(sums);
            long column = 0;
            for (; column <= t; column += CpuKernels.Lanes)
            {
                T.Store(Vector512.Load(powers + column) * inverse, s + column);
            }

            new Span<T>(s + column, (int)(shape.Length - column)).Clear();
        }
    }

    /// <summary>In place: d score = weight (d weight - sum(weight d weight)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SoftmaxBackward<T>(Shape shape, Tensor weights, Tensor gradients, long begin, long end)
        where T : unmanaged, ICpuElement<T>
    {
        var w = (T*)TensorMemory.Address(weights) + (begin * shape.Length);
        var g = (T*)TensorMemory.Address(gradients) + (begin * shape.Length);
        for (var row = begin; row < end; row++, w += shape.Length, g += shape.Length)
        {
            var t = row % shape.Length;
            var products = Vector512<float>.Zero;
            for (long i = 0; i <= t; i += CpuKernels.Lanes)
            {
                products = Vector512.FusedMultiplyAdd(T.Load(w + i), T.Load(g + i), products);
            }

            var sum = Vector512.Create(Vector512.Sum(products));
            long column = 0;
            for (; column <= t; column += CpuKernels.Lanes)
            {
                T.Store(T.Load(w + column) * (T.Load(g + column) - sum), g + column);
            }

            new Span<T>(g + column, (int)(shape.Length - column)).Clear();
        }
    }

    /// <summary>Which of the sixteen keys from <paramref name="first"/> on are at most <paramref name="position"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Seen(long first, long position) =>
        Vector512.LessThanOrEqual(Vector512<int>.Indices, Vector512.Create((int)(position - first))).AsSingle();

    /// <summary>Where heads lie: a position counts through the batch, B T in all.</summary>
    private sealed class Shape(Tensor projection, long keyHeads, long headSize)
    {
        public readonly long Batch = projection.size(0);
        public readonly long Length = projection.size(1);
        public readonly long Width = projection.size(2);
        public readonly long KeyHeads = keyHeads;
        public readonly long HeadSize = headSize;
        public readonly long Heads = (projection.size(2) / headSize) - (2 * keyHeads);

        public long Group => Heads / KeyHeads;

        /// <summary>Of a query head in [B K, G T, E].</summary>
        public long QueryOffset(long position, long head) => ((((position / Length * Heads) + head) * Length) + (position % Length)) * HeadSize;

        /// <summary>Of a key or value head in [B K, T, E].</summary>
        public long KeyOffset(long position, long head) => ((((position / Length * KeyHeads) + head) * Length) + (position % Length)) * HeadSize;
    }
}
