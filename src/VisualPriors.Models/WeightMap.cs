using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>How a model's parameters are called, and laid out, in a Hugging Face folder: one parameter of ours is one or more tensors of theirs, stacked.</summary>
/// <param name="Parameter">Our parameter's name.</param>
/// <param name="Parts">Their tensors, first rows first.</param>
internal sealed record WeightMap(string Parameter, IReadOnlyList<(string Name, long[] Shape)> Parts)
{
    /// <summary>One tensor of theirs.</summary>
    public WeightMap(string parameter, string name, params long[] shape)
        : this(parameter, [(name, shape)])
    {
    }

    /// <summary>
    /// Loads a model's folder. Every shape is checked against the file before <paramref name="create"/> allocates anything, so what a
    /// configuration claims cannot cost more memory than the file holds.
    /// </summary>
    /// <exception cref="Api.Errors.InvalidInputException">The file is missing, unsound, or lacks a tensor.</exception>
    public static T Load<T>(string directory, IReadOnlyCollection<WeightMap> maps, Func<T> create)
        where T : nn.Module
    {
        using var file = Open(directory, maps);
        var module = create();
        var parameters = module.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        using var noGrad = no_grad();
        foreach (var map in maps)
        {
            long row = 0;
            foreach (var (name, shape) in map.Parts)
            {
                using var scope = NewDisposeScope();
                var rows = parameters[map.Parameter].narrow(0, row, shape[0]);
                rows.copy_(file.Read(name).view_as(rows));
                row += shape[0];
            }
        }

        return module;
    }

    /// <summary>Opens a folder's weights, in one file or several, and checks that every tensor is there with its shape.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">A file is missing, unsound, or lacks a tensor.</exception>
    public static SafetensorsSet Open(string directory, IReadOnlyCollection<WeightMap> maps)
    {
        var set = SafetensorsSet.Open(directory);
        try
        {
            foreach (var (name, shape) in maps.SelectMany(m => m.Parts))
            {
                set.CheckShape(name, shape);
            }

            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <summary>Saves parameters under their Hugging Face names, in fp32.</summary>
    public static void Save(string directory, IEnumerable<WeightMap> maps, IEnumerable<(string Name, Tensor Value)> parameters)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var values = parameters.ToDictionary(p => p.Name, p => p.Value);
        var tensors = new List<(string, Tensor)>();
        foreach (var map in maps)
        {
            long row = 0;
            foreach (var (name, shape) in map.Parts)
            {
                tensors.Add((name, values[map.Parameter].narrow(0, row, shape[0]).to(ScalarType.Float32).reshape(shape)));
                row += shape[0];
            }
        }

        // "format": "pt" is what Hugging Face's loaders ask for.
        SafetensorsWriter.Write(
            Path.Combine(directory, SafetensorsIndex.SingleFileName), tensors, new Dictionary<string, string> { ["format"] = "pt" });
    }
}
