using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Plans;

/// <summary>How runs follow each other. A run has at most one upstream, so the graph is a forest once it has no cycle.</summary>
public static class RunGraph
{
    /// <summary>The runs, each after its upstream; otherwise as they were given.</summary>
    /// <exception cref="InvalidOperationException">An upstream is missing or runs form a cycle: the runs were not validated.</exception>
    public static IReadOnlyList<Run> Order(IReadOnlyList<Run> runs)
    {
        var ordered = new List<Run>(runs.Count);
        var waiting = runs.ToList();
        while (waiting.Count > 0)
        {
            var ready = waiting.FirstOrDefault(run => run.Upstream is null || UpstreamOf(run, ordered) is not null)
                ?? throw new InvalidOperationException($"{waiting[0].Kind} '{waiting[0].Metadata.Name}' has no way to its upstream");
            ordered.Add(ready);
            waiting.Remove(ready);
        }

        return ordered;
    }

    /// <summary>The runs of a cycle, each the upstream of the one before it; null when there is none.</summary>
    public static IReadOnlyList<Run>? FindCycle(IReadOnlyList<Run> runs)
    {
        foreach (var start in runs)
        {
            var chain = new List<Run>();
            for (var run = start; run is not null; run = UpstreamOf(run, runs))
            {
                var seen = chain.FindIndex(earlier => ReferenceEquals(earlier, run));
                if (seen >= 0)
                {
                    return chain[seen..];
                }

                chain.Add(run);
            }
        }

        return null;
    }

    /// <summary>The run that another starts from, when it is among the given ones.</summary>
    public static Run? UpstreamOf(Run run, IEnumerable<Run> runs) =>
        run.Upstream is { } from ? runs.FirstOrDefault(other => other.Kind == from.Kind && other.Metadata.Name == from.Name) : null;
}
