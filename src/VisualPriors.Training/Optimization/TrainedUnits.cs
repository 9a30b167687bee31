using System.Globalization;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using static TorchSharp.torch;

namespace VisualPriors.Training.Optimization;

/// <summary>What an optimizer takes of a model: units in the order of the forward pass, and the names under which their weights come back.</summary>
internal static class TrainedUnits
{
    private const string BlockPrefix = "blocks.";

    /// <summary>All of a module as one unit; weight decay applies to matrices, not to norms and biases.</summary>
    public static ParameterUnit Of(nn.Module module, string name, string prefix) => new(name, null, [.. Parameters(module, prefix)]);

    /// <summary>A decoder: its embedding, each block, then the last norm with the output head.</summary>
    public static IEnumerable<ParameterUnit> Of(Decoder decoder, string prefix)
    {
        var parts = decoder.named_parameters().Select(item => item.name).Zip(Parameters(decoder, prefix)).ToLookup(item => PartOf(item.First), item => item.Second);
        yield return new ParameterUnit("embedding", null, [.. parts["embedding"]]);
        for (var layer = 0; layer < decoder.Configuration.Dimensions.Layers; layer++)
        {
            var name = BlockPrefix + layer.ToString(CultureInfo.InvariantCulture);
            yield return new ParameterUnit(name, layer, [.. parts[name]]);
        }

        yield return new ParameterUnit("head", null, [.. parts["head"]]);
    }

    /// <summary>The exact weights of the module with a prefix, by the module's own names.</summary>
    public static IEnumerable<(string Name, Tensor Value)> WithPrefix(this IEnumerable<(string Name, Tensor Master)> masters, string prefix) =>
        masters.Where(item => item.Name.StartsWith(prefix, StringComparison.Ordinal)).Select(item => (item.Name[prefix.Length..], item.Master));

    private static IEnumerable<TrainedParameter> Parameters(nn.Module module, string prefix) =>
        module.named_parameters().Select(item => new TrainedParameter(prefix + item.name, item.parameter, item.parameter.dim() > 1));

    private static string PartOf(string parameter) =>
        parameter.StartsWith(BlockPrefix, StringComparison.Ordinal) ? parameter[..parameter.IndexOf('.', BlockPrefix.Length)]
        : parameter == "embedding" ? "embedding"
        : "head";
}
