using System.Globalization;

namespace VisualPriors.Benchmarks;

/// <summary>How much <see cref="OperatorThroughput"/> does.</summary>
/// <param name="Runs">Runs whose pods are made.</param>
/// <param name="Nodes">Pods of a run.</param>
/// <param name="Accepted">Suspended runs that are accepted.</param>
internal sealed record OperatorThroughputOptions(int Runs = 1000, int Nodes = 8, int Accepted = 15_000)
{
    /// <summary>Reads pairs of option and number; null where one is not understood.</summary>
    public static OperatorThroughputOptions? TryRead(ReadOnlySpan<string> arguments)
    {
        var options = new OperatorThroughputOptions();
        for (; arguments.Length >= 2; arguments = arguments[2..])
        {
            if (!int.TryParse(arguments[1], NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value == 0)
            {
                return null;
            }

            switch (arguments[0])
            {
                case "--runs":
                    options = options with { Runs = value };
                    break;
                case "--nodes":
                    options = options with { Nodes = value };
                    break;
                case "--accepted":
                    options = options with { Accepted = value };
                    break;
                default:
                    return null;
            }
        }

        return arguments.IsEmpty ? options : null;
    }
}
