using static TorchSharp.torch;

namespace VisualPriors.Distributed.Sharding;

/// <summary>
/// Runs a model's blocks so that parameters are there when a block needs them, gradients are reduced while the backward pass goes on, and,
/// with activation checkpointing, only a block's input is kept for that pass.
/// </summary>
/// <param name="optimizer">Holds the blocks' parameters, where they are trained.</param>
/// <param name="recomputes">Activation checkpointing: whether a block's activations are computed again in the backward pass.</param>
public sealed class BlockExecutor(ShardedAdamW optimizer, bool recomputes)
{
    /// <summary>Runs a block.</summary>
    /// <param name="layer">Its number.</param>
    /// <param name="block">The block: [B, T, D] to [B, T, D].</param>
    /// <param name="x">[B, T, D].</param>
    public Tensor Run(int layer, Func<Tensor, Tensor> block, Tensor x)
    {
        var unit = optimizer.UnitOf(layer);
        if (unit is { } trained)
        {
            optimizer.Prepare(trained, isForward: true);
        }

        // What autograd does not save for the backward pass is released at once.
        using var scope = NewDisposeScope();
        if (!is_grad_enabled())
        {
            return block(x).MoveToOuterDisposeScope();
        }

        if (recomputes)
        {
            // The function is recorded only if its input wants a gradient; the block's own parameters are hidden inside it.
            var input = x.requires_grad || unit is null ? x : x.detach().requires_grad_();
            return RecomputedBlock.Apply(input, new RecomputedBlock.Work(block, optimizer, unit)).MoveToOuterDisposeScope();
        }

        return block(unit is { } reached ? BlockBoundary.Apply(x, () => optimizer.Reach(reached)) : x).MoveToOuterDisposeScope();
    }
}

/// <summary>The identity, which tells when the backward pass comes to it: then the gradients of all that follows are complete.</summary>
internal sealed class BlockBoundary : autograd.SingleTensorFunction<BlockBoundary>
{
    /// <inheritdoc/>
    public override string Name => nameof(BlockBoundary);

    /// <summary>x, unchanged.</summary>
    public static Tensor Apply(Tensor x, Action onReached) => apply(x, onReached);

    /// <summary>Arguments: x and what to do.</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(nameof(Action), vars[1]);
        return ((Tensor)vars[0]).alias();
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ((Action)ctx.get_data(nameof(Action)))();
        return [grad_output, null!];
    }
}

/// <summary>A block of which only the input is kept: the backward pass runs it again, with its parameters gathered again where they are shared out.</summary>
internal sealed class RecomputedBlock : autograd.SingleTensorFunction<RecomputedBlock>
{
    /// <inheritdoc/>
    public override string Name => nameof(RecomputedBlock);

    /// <summary>block(x).</summary>
    public static Tensor Apply(Tensor x, Work work) => apply(x, work);

    /// <summary>Arguments: x and the work.</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (x, work) = ((Tensor)vars[0], (Work)vars[1]);
        ctx.save_for_backward([x]);
        ctx.save_data(nameof(Work), work);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return work.Block(x).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        var work = (Work)ctx.get_data(nameof(Work));
        if (work.Unit is { } unit)
        {
            work.Optimizer.Prepare(unit, isForward: false);
        }

        var x = ctx.get_saved_variables()[0].detach().requires_grad_();
        using (enable_grad())
        {
            autograd.backward([work.Block(x)], [grad_output]);
        }

        if (work.Unit is { } reached)
        {
            work.Optimizer.Reach(reached);
        }

        return [x.grad!.MoveToOuterDisposeScope(), null!];
    }

    /// <summary>What to run, and whose parameters it uses.</summary>
    internal sealed record Work(Func<Tensor, Tensor> Block, ShardedAdamW Optimizer, int? Unit);
}
