namespace VisualPriors.Trainer.Launching;

/// <summary>How to start a rank process; <c>run --plan FILE</c> is appended.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its first arguments.</param>
internal sealed record RankCommand(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>This very program, run by the runtime that runs it.</summary>
    public static RankCommand ThisProgram()
    {
        var process = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(process) == "dotnet"
            ? new RankCommand(process, [typeof(RankCommand).Assembly.Location])
            : new RankCommand(process, []);
    }
}
