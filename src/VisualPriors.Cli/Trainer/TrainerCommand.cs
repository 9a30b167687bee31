namespace VisualPriors.Cli.Trainer;

/// <summary>How to start a trainer; <c>launch --plan FILE</c> is appended.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its first arguments.</param>
internal sealed record TrainerCommand(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>The trainer in this program's own folder, run by the runtime that runs this program.</summary>
    public static TrainerCommand BesideThisProgram()
    {
        // `dotnet vp.dll` and `dotnet run` run in or under a dotnet of a known place; vp's own executable finds one by the path.
        var host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
            ?? (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet");
        return new TrainerCommand(host, [Path.Combine(AppContext.BaseDirectory, "VisualPriors.Trainer.dll")]);
    }
}
