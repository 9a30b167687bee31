using System.Globalization;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Distributed.Communication;

namespace VisualPriors.Trainer.Launching;

/// <summary>Environment variables by which a launcher tells its ranks things; those that launchers are told by are <see cref="TrainerVariables"/>.</summary>
internal static class TrainerEnvironment
{
    /// <summary>Place among all processes, from 0; absent for a run of one.</summary>
    public const string Rank = "RANK";

    /// <summary>Place among the processes of the node, from 0.</summary>
    public const string LocalRank = "LOCAL_RANK";

    /// <summary>Processes of all nodes.</summary>
    public const string WorldSize = "WORLD_SIZE";

    /// <summary>Processes of one node.</summary>
    public const string LocalWorldSize = "LOCAL_WORLD_SIZE";

    /// <summary>Folder for the flight records of collectives that did not end.</summary>
    public const string FlightRecords = RendezvousSettings.FlightRecordsVariable;

    /// <summary>Set to 1: standard input is a pipe that the parent holds open for as long as it lives.</summary>
    public const string ParentPipe = "VISUALPRIORS_PARENT_PIPE";

    /// <summary>GPUs that a process may see (CUDA's own variable).</summary>
    public const string VisibleDevices = "CUDA_VISIBLE_DEVICES";

    /// <summary>A pod's default of 30 seconds, less a margin for what comes after.</summary>
    private static readonly TimeSpan DefaultGrace = TimeSpan.FromSeconds(25);

    /// <summary>How long a trainer that was asked to stop may take: <see cref="TrainerVariables.GraceSeconds"/>, or 25 seconds.</summary>
    /// <exception cref="InvalidInputException">The variable is no number of seconds from 0 to a day.</exception>
    public static TimeSpan Grace(Func<string, string?> environment)
    {
        if (environment(TrainerVariables.GraceSeconds) is not { Length: > 0 } text)
        {
            return DefaultGrace;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= 86_400
            ? TimeSpan.FromSeconds(seconds)
            : throw new InvalidInputException("environment", TrainerVariables.GraceSeconds, $"'{text}'", "a number of seconds from 0 to 86400");
    }

    /// <summary>What fences checkpoints: <see cref="TrainerVariables.Fence"/>, or the attempt's number; null where nobody counts.</summary>
    /// <exception cref="InvalidInputException">The variable is no whole number above zero.</exception>
    public static long? Fence(Func<string, string?> environment, long? attempt)
    {
        if (environment(TrainerVariables.Fence) is not { Length: > 0 } text)
        {
            return attempt;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var fence) && fence > 0
            ? fence
            : throw new InvalidInputException("environment", TrainerVariables.Fence, $"'{text}'", "a whole number above zero");
    }
}
