using System.Globalization;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Launching;

/// <summary>What a launcher was told, by its command line or, where that is silent, by its environment.</summary>
internal sealed record LaunchOptions
{
    private const string CommandLine = "launch";

    /// <summary>The plan's file.</summary>
    public required string Plan { get; init; }

    /// <summary>This node's place among all nodes.</summary>
    public int? NodeRank { get; init; }

    /// <summary>Host of rank 0.</summary>
    public string? MasterAddress { get; init; }

    /// <summary>Port of rank 0's rendezvous.</summary>
    public int? MasterPort { get; init; }

    /// <summary>Number of the attempt.</summary>
    public long? Attempt { get; init; }

    /// <summary>Secret of the attempt.</summary>
    public string? Token { get; init; }

    /// <summary>GPUs that the launcher may use, as CUDA lists them; null means all.</summary>
    public string? VisibleDevices { get; init; }

    /// <summary>How long ranks that were asked to stop may take.</summary>
    public required TimeSpan Grace { get; init; }

    /// <summary>Reads <c>--plan FILE [--node-rank R] [--master-address HOST] [--master-port P] [--attempt N]</c>.</summary>
    /// <param name="arguments">The words after <c>launch</c>.</param>
    /// <param name="environment">Looks environment variables up.</param>
    /// <exception cref="InvalidInputException">An option is unknown, given twice, without a value or without sense; or there is no plan.</exception>
    public static LaunchOptions Parse(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var options = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["--plan"] = null,
            ["--node-rank"] = null,
            ["--master-address"] = null,
            ["--master-port"] = null,
            ["--attempt"] = null,
        };
        for (var i = 0; i < arguments.Count; i += 2)
        {
            var name = arguments[i];
            if (!options.TryGetValue(name, out var earlier) || earlier is not null)
            {
                throw new InvalidInputException(
                    CommandLine, null, earlier is null ? $"'{name}'" : $"{name} twice", $"one each of {string.Join(", ", options.Keys)}");
            }

            options[name] = i + 1 < arguments.Count ? arguments[i + 1] : throw new InvalidInputException(CommandLine, name, "nothing", "a value");
        }

        return new LaunchOptions
        {
            Plan = options["--plan"] ?? throw new InvalidInputException(CommandLine, "--plan", "nothing", "the plan's file"),
            NodeRank = (int?)Number("--node-rank", TrainerVariables.NodeRank, 0, int.MaxValue),
            MasterAddress = Text("--master-address", TrainerVariables.MasterAddress),
            MasterPort = (int?)Number("--master-port", TrainerVariables.MasterPort, 1, ushort.MaxValue),
            Attempt = Number("--attempt", TrainerVariables.Attempt, 1, int.MaxValue),
            Token = NotEmpty(environment(TrainerVariables.RendezvousToken)),
            VisibleDevices = environment(TrainerEnvironment.VisibleDevices),
            Grace = TrainerEnvironment.Grace(environment),
        };

        string? Text(string option, string variable) => options[option] ?? NotEmpty(environment(variable));

        long? Number(string option, string variable, long minimum, long maximum)
        {
            if (Text(option, variable) is not { } text)
            {
                return null;
            }

            return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum
                ? number
                : throw new InvalidInputException(
                    options[option] is null ? "environment" : CommandLine,
                    options[option] is null ? variable : option,
                    $"'{text}'",
                    $"a whole number from {minimum} to {maximum}");
        }
    }

    private static string? NotEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
