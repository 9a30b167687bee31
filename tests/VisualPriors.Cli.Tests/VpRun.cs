namespace VisualPriors.Cli.Tests;

/// <summary>What a command line of <c>vp</c> gave.</summary>
internal sealed record VpRun(int ExitCode, string Output, string Error)
{
    public IReadOnlyList<string> OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static async Task<VpRun> Of(IEnumerable<string> args, CancellationToken cancellationToken = default)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await Vp.RunAsync([.. args], output, error, cancellationToken);
        return new VpRun(exitCode, output.ToString(), error.ToString());
    }
}
