using System.Globalization;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;

namespace VisualPriors.Distributed.Communication;

/// <summary>Which process of a run this one is, and where the others are found.</summary>
public sealed record RendezvousSettings
{
    /// <summary>Environment variable with <see cref="JoinTimeout"/> in seconds.</summary>
    public const string JoinTimeoutVariable = "VISUALPRIORS_JOIN_TIMEOUT_SECONDS";

    /// <summary>Environment variable with <see cref="CollectiveTimeout"/> in seconds.</summary>
    public const string CollectiveTimeoutVariable = "VISUALPRIORS_COLLECTIVE_TIMEOUT_SECONDS";

    /// <summary>Environment variable with <see cref="FlightRecordDirectory"/>.</summary>
    public const string FlightRecordsVariable = "VISUALPRIORS_FLIGHT_RECORDS";

    private const string Source = "environment";
    private const int MaximumWorldSize = 1 << 16;
    private const int MinimumTokenLength = 16;
    private const int MaximumSeconds = 7 * 24 * 3600;

    /// <summary>This process's place among all, from 0.</summary>
    public required int Rank { get; init; }

    /// <summary>All processes.</summary>
    public required int WorldSize { get; init; }

    /// <summary>This process's place among those of its node.</summary>
    public required int LocalRank { get; init; }

    /// <summary>Processes of a node.</summary>
    public required int LocalSize { get; init; }

    /// <summary>Name or address of the machine of rank 0.</summary>
    public required string MasterAddress { get; init; }

    /// <summary>The port that rank 0 listens at.</summary>
    public required int MasterPort { get; init; }

    /// <summary>Which attempt at the run this is, from 1; 0 where nobody counts them. Processes of different attempts never join each other.</summary>
    public required int Attempt { get; init; }

    /// <summary>The attempt's secret, at least 16 characters. Never sent: processes prove to each other that they know it.</summary>
    public required string Token { get; init; }

    /// <summary>How long to wait for the others to come.</summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a collective operation may take, the wait for the last rank to start it included.</summary>
    public TimeSpan CollectiveTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Folder for the flight records of collectives that did not end; null writes none.</summary>
    public string? FlightRecordDirectory { get; init; }

    /// <summary>The settings that a launcher gave this process; a run of one where RANK is not set.</summary>
    /// <exception cref="InvalidInputException">A variable is missing or makes no sense.</exception>
    public static RendezvousSettings FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <summary>Settings out of variables; an empty one counts as not set.</summary>
    internal static RendezvousSettings From(Func<string, string?> variable)
    {
        string? Optional(string name) => variable(name) is { Length: > 0 } text ? text : null;
        string Text(string name, string expected) => Optional(name) ?? throw Invalid(name, null, expected);
        int Number(string name, int minimum, int maximum)
        {
            var expected = $"a whole number from {minimum} to {maximum}";
            var text = Text(name, expected);
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum
                ? number
                : throw Invalid(name, text, expected);
        }

        int Attempt() => Optional(TrainerVariables.Attempt) is null ? 0 : Number(TrainerVariables.Attempt, 1, int.MaxValue);
        TimeSpan? Seconds(string name) => Optional(name) is null ? null : TimeSpan.FromSeconds(Number(name, 1, MaximumSeconds));

        if (Optional("RANK") is null)
        {
            return new RendezvousSettings
            {
                Rank = 0,
                WorldSize = 1,
                LocalRank = 0,
                LocalSize = 1,
                MasterAddress = "localhost",
                MasterPort = 0,
                Attempt = Attempt(),
                Token = "",
                FlightRecordDirectory = Optional(FlightRecordsVariable),
            };
        }

        var size = Number("WORLD_SIZE", 1, MaximumWorldSize);
        var rank = Number("RANK", 0, size - 1);
        var localSize = Number("LOCAL_WORLD_SIZE", 1, size);
        if (size % localSize != 0)
        {
            throw Invalid("LOCAL_WORLD_SIZE", $"{localSize}", $"a divisor of WORLD_SIZE={size}: every node has as many processes");
        }

        var localRank = Number("LOCAL_RANK", 0, localSize - 1);
        if (localRank != rank % localSize)
        {
            throw Invalid("LOCAL_RANK", $"{localRank}", $"{rank % localSize}, as ranks of a node follow each other and RANK={rank}, LOCAL_WORLD_SIZE={localSize}");
        }

        var token = Text(TrainerVariables.RendezvousToken, $"at least {MinimumTokenLength} characters");
        if (token.Length < MinimumTokenLength)
        {
            throw Invalid(TrainerVariables.RendezvousToken, $"{token.Length} characters", $"at least {MinimumTokenLength} characters");
        }

        var settings = new RendezvousSettings
        {
            Rank = rank,
            WorldSize = size,
            LocalRank = localRank,
            LocalSize = localSize,
            MasterAddress = Text(TrainerVariables.MasterAddress, "a host name or address"),
            MasterPort = Number(TrainerVariables.MasterPort, 1, ushort.MaxValue),
            Attempt = Attempt(),
            Token = token,
            FlightRecordDirectory = Optional(FlightRecordsVariable),
        };
        return settings with
        {
            JoinTimeout = Seconds(JoinTimeoutVariable) ?? settings.JoinTimeout,
            CollectiveTimeout = Seconds(CollectiveTimeoutVariable) ?? settings.CollectiveTimeout,
        };
    }

    private static InvalidInputException Invalid(string name, string? found, string expected) => new(Source, name, found ?? "nothing", expected);
}
