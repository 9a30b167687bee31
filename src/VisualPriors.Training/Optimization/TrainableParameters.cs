using TorchSharp.Modules;
using static TorchSharp.torch;

namespace VisualPriors.Training.Optimization;

/// <summary>Which of a module's parameters an optimizer takes, and under which names it gives them back.</summary>
internal static class TrainableParameters
{
    /// <summary>All parameters of a module, their names prefixed; weight decay applies to matrices, not to norms and biases.</summary>
    public static IEnumerable<(string Name, Parameter Value, bool Decay)> Of(nn.Module module, string prefix) =>
        module.named_parameters().Select(item => (prefix + item.name, item.parameter, item.parameter.dim() > 1));

    /// <summary>The exact weights of the module with a prefix, by the module's own names.</summary>
    public static IEnumerable<(string Name, Tensor Value)> WithPrefix(this IEnumerable<(string Name, Tensor Master)> masters, string prefix) =>
        masters.Where(item => item.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(item => (item.Name[prefix.Length..], item.Master));
}
