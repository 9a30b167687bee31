using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Operator.Entities;

namespace VisualPriors.Operator.Gangs;

/// <summary>What a gang is made for.</summary>
/// <param name="Key">The run's name.</param>
/// <param name="Uid">The run's uid.</param>
/// <param name="ApiVersion">The run's API version.</param>
/// <param name="Attempt">The attempt.</param>
/// <param name="Fence">Greater than that of every earlier attempt at the same stage, by whichever run.</param>
/// <param name="Compute">Pods, processes and what the pods have.</param>
/// <param name="Plan">What to compute.</param>
internal sealed record GangRequest(RunKey Key, string Uid, string ApiVersion, int Attempt, long Fence, ComputeSpec Compute, StagePlan Plan);
