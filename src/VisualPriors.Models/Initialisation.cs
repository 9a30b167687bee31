using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>Random initial weights that depend on the seed and on each tensor's place in the model alone: not on device, type or thread count.</summary>
internal static class Initialisation
{
    /// <summary>Sets every tensor of two or more axes to normal numbers of the given deviation.</summary>
    public static void Normal(nn.Module module, long seed, double deviation)
    {
        using var noGrad = no_grad();
        using var generator = new Generator((ulong)seed, CPU);
        foreach (var (_, parameter) in module.named_parameters())
        {
            if (parameter.dim() > 1)
            {
                using var scope = NewDisposeScope();
                parameter.copy_(normal(0, deviation, parameter.shape, ScalarType.Float32, CPU, generator: generator));
            }
        }
    }
}
