using TorchSharp.Modules;

namespace VisualPriors.Distributed.Sharding;

/// <summary>Parameters whose gradients are complete at the same moment of a backward pass (a block's, an embedding's): what is reduced and gathered at once.</summary>
/// <param name="Name">Its name, unique in the model: names its state in checkpoints.</param>
/// <param name="Layer">Number of the block that it is, or null for what is outside the blocks.</param>
/// <param name="Parameters">Its parameters.</param>
public sealed record ParameterUnit(string Name, int? Layer, IReadOnlyList<TrainedParameter> Parameters);

/// <summary>A parameter that is trained.</summary>
/// <param name="Name">Its name in the model.</param>
/// <param name="Value">The parameter, of any floating-point type.</param>
/// <param name="Decay">Whether weight decay applies to it (matrices yes, norms and biases no).</param>
public sealed record TrainedParameter(string Name, Parameter Value, bool Decay);
