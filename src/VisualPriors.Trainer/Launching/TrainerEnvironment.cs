using System.Globalization;
using VisualPriors.Api.Errors;
using VisualPriors.Distributed.Communication;

namespace VisualPriors.Trainer.Launching;

/// <summary>Environment variables that the trainer's processes tell each other things by.</summary>
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

    /// <summary>Place of the node among all nodes, from 0.</summary>
    public const string NodeRank = "NODE_RANK";

    /// <summary>Host that rank 0 runs on.</summary>
    public const string MasterAddress = "MASTER_ADDR";

    /// <summary>TCP port of rank 0's rendezvous.</summary>
    public const string MasterPort = "MASTER_PORT";

    /// <summary>Number of the attempt at the stage, from 1; absent where nobody counts attempts.</summary>
    public const string Attempt = RendezvousSettings.AttemptVariable;

    /// <summary>Secret that all processes of one attempt share, and nobody else.</summary>
    public const string RendezvousToken = RendezvousSettings.TokenVariable;

    /// <summary>Folder for the flight records of collectives that did not end.</summary>
    public const string FlightRecords = RendezvousSettings.FlightRecordsVariable;

    /// <summary>Set to 1: standard input is a pipe that the parent holds open for as long as it lives.</summary>
    public const string ParentPipe = "VISUALPRIORS_PARENT_PIPE";

    /// <summary>Seconds that a trainer which was asked to stop may take before it is killed.</summary>
    public const string GraceSeconds = "VISUALPRIORS_GRACE_SECONDS";

    /// <summary>GPUs that a process may see (CUDA's own variable).</summary>
    public const string VisibleDevices = "CUDA_VISIBLE_DEVICES";

    /// <summary>A pod's default of 30 seconds, less a margin for what comes after.</summary>
    private static readonly TimeSpan DefaultGrace = TimeSpan.FromSeconds(25);

    /// <summary>How long a trainer that was asked to stop may take: <see cref="GraceSeconds"/>, or 25 seconds.</summary>
    /// <exception cref="InvalidInputException">The variable is no number of seconds from 0 to a day.</exception>
    public static TimeSpan Grace(Func<string, string?> environment)
    {
        if (environment(GraceSeconds) is not { Length: > 0 } text)
        {
            return DefaultGrace;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= 86_400
            ? TimeSpan.FromSeconds(seconds)
            : throw new InvalidInputException("environment", GraceSeconds, $"'{text}'", "a number of seconds from 0 to 86400");
    }
}
