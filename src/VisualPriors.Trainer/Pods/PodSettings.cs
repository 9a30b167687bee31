using System.Globalization;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;

namespace VisualPriors.Trainer.Pods;

/// <summary>What an operator tells a launcher beyond its plan and its place; all of it is absent where nobody operates, as in a <c>vp run</c>.</summary>
internal sealed record PodSettings
{
    private const string Source = "environment";

    /// <summary>Folder for local copies, and for the artifact until it is published.</summary>
    public string? Scratch { get; init; }

    /// <summary>Who this is.</summary>
    public RunName? Run { get; init; }

    /// <summary>Where progress is posted to.</summary>
    public Uri? ReportAddress { get; init; }

    /// <summary>File with the token that goes with it.</summary>
    public string? ReportTokenFile { get; init; }

    /// <summary>TCP port for metrics and health.</summary>
    public int? MetricsPort { get; init; }

    /// <summary>Reads the environment.</summary>
    /// <exception cref="InvalidInputException">A variable makes no sense.</exception>
    public static PodSettings Parse(Func<string, string?> environment)
    {
        return new PodSettings
        {
            Scratch = Text(TrainerVariables.Scratch) is { } scratch
                ? Path.IsPathFullyQualified(scratch) ? scratch : throw Wrong(TrainerVariables.Scratch, scratch, "the full path of a folder")
                : null,
            Run = Text(TrainerVariables.Run) is { } run
                ? RunName.TryParse(run) ?? throw Wrong(TrainerVariables.Run, run, "namespace/Kind/name")
                : null,
            ReportAddress = Text(TrainerVariables.ReportAddress) is { } address
                ? Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri : throw Wrong(TrainerVariables.ReportAddress, address, "an http or https URL")
                : null,
            ReportTokenFile = Text(TrainerVariables.ReportTokenFile),
            MetricsPort = Text(TrainerVariables.MetricsPort) is { } port
                ? int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= ushort.MaxValue
                    ? number
                    : throw Wrong(TrainerVariables.MetricsPort, port, $"a whole number from 1 to {ushort.MaxValue}")
                : null,
        };

        string? Text(string variable) => environment(variable) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;
    }

    private static InvalidInputException Wrong(string variable, string found, string expected) => new(Source, variable, $"'{found}'", expected);
}

/// <summary>A run as the cluster names it.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Kind">Its kind, such as <c>PretrainRun</c>.</param>
/// <param name="Name">Its name.</param>
internal sealed record RunName(string Namespace, string Kind, string Name)
{
    /// <summary>Reads <c>namespace/Kind/name</c>; null where it is not of that form.</summary>
    public static RunName? TryParse(string text) =>
        text.Split('/') is [{ Length: > 0 } space, { Length: > 0 } kind, { Length: > 0 } name] ? new RunName(space, kind, name) : null;
}
