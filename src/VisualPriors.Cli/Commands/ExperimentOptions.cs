using System.CommandLine;

namespace VisualPriors.Cli.Commands;

/// <summary>Options of the commands that take a manifest.</summary>
internal static class ExperimentOptions
{
    /// <summary>Where prepared data lie unless told otherwise.</summary>
    public const string DefaultData = "artifacts/data";

    public static Option<string> File() => new("--file", "-f") { Description = "The manifest: runs, or pipelines of them.", Required = true };

    public static Option<string> Data() => new("--data")
    {
        Description = "Folder of prepared data, as `vp prepare` makes it.",
        DefaultValueFactory = _ => DefaultData,
    };

    public static Option<string?> Output() => new("--output")
    {
        Description = "Folder for stages, logs, summary and report [default: artifacts/<manifest's name>].",
    };

    public static Option<string?> Checkpoints() => new("--checkpoints")
    {
        Description = "Address that checkpoints go below: file:///folder or azblob://account/container/prefix [default: checkpoints in the output folder].",
    };

    /// <summary>The output folder: the given one, or one named after the manifest.</summary>
    public static string OutputOf(string? given, string file) => given ?? Path.Combine("artifacts", Path.GetFileNameWithoutExtension(file));
}
