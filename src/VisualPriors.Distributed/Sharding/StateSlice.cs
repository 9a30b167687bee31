using static TorchSharp.torch;

namespace VisualPriors.Distributed.Sharding;

/// <summary>A range of one unit's flat optimizer state, as this rank holds it.</summary>
/// <param name="Unit">The unit's name.</param>
/// <param name="Start">First element, counted in the whole unit.</param>
/// <param name="Length">Elements, the gaps at the unit's end not counted.</param>
/// <param name="Master">[<paramref name="Length"/>] fp32 weights: a view.</param>
/// <param name="FirstMoment">[<paramref name="Length"/>] fp32: a view.</param>
/// <param name="SecondMoment">[<paramref name="Length"/>] fp32: a view.</param>
public sealed record StateSlice(string Unit, long Start, long Length, Tensor Master, Tensor FirstMoment, Tensor SecondMoment);
