using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models.Operators;

/// <summary>Rows of a table, with a gradient that is summed in fp32: a frequent token's would stop growing in bf16 after some hundred positions.</summary>
internal sealed class TokenEmbedding : autograd.SingleTensorFunction<TokenEmbedding>
{
    /// <inheritdoc/>
    public override string Name => nameof(TokenEmbedding);

    /// <summary>table [V, D] and tokens [...] int64 to [..., D].</summary>
    public static Tensor Apply(Tensor table, Tensor tokens) => apply(table, tokens);

    /// <summary>Arguments: table, tokens.</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (table, tokens) = ((Tensor)vars[0], (Tensor)vars[1]);
        ctx.save_for_backward([tokens]);
        ctx.save_data("rows", table.size(0));
        return TorchOps.Embedding(table, tokens);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var (tokens, width) = (ctx.get_saved_variables()[0], grad_output.size(-1));
        var sums = zeros((long)ctx.get_data("rows"), width, ScalarType.Float32, grad_output.device);
        sums.AddRowsInPlace(tokens.reshape(-1), grad_output.reshape(-1, width).to(ScalarType.Float32));
        return [sums.to(grad_output.dtype), null!];
    }
}
