using System.Runtime.ExceptionServices;

namespace VisualPriors.Data.Images;

/// <summary>Loops over independent pieces of work on all cores.</summary>
internal static class Parallelism
{
    /// <summary>Runs a body for 0 to count-1 in any order; the first exception of a body comes out as it was thrown.</summary>
    public static void For(int count, Action<int> body, CancellationToken cancellationToken)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellationToken }, body);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
