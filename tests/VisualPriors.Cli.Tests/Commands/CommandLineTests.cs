using System.Text.Json.Nodes;

namespace VisualPriors.Cli.Tests.Commands;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("prepare", "--packages")]
    [InlineData("validate", "--data")]
    [InlineData("plan", "--gpu")]
    [InlineData("run", "--output")]
    [InlineData("report", "--output")]
    [InlineData("crds", "--output")]
    public async Task Every_command_has_help_with_its_options_and_exit_codes(string command, string option)
    {
        var run = await VpRun.Of([command, "--help"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Contains(option, run.Output, StringComparison.Ordinal);
        Assert.Contains("--json", run.Output, StringComparison.Ordinal);
        Assert.Contains("130  interrupted", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    [Theory]
    [InlineData]
    [InlineData("dance")]
    [InlineData("run")]
    [InlineData("run", "-f", "a.yaml", "--dance")]
    [InlineData("prepare", "--packages", "p", "--seed", "many")]
    public async Task A_command_line_that_cannot_be_read_is_bad_input(params string[] args)
    {
        var run = await VpRun.Of(args);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("error: ", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task An_error_is_also_json_where_that_was_asked_for()
    {
        var run = await VpRun.Of(["validate", "-f", "missing.yaml", "--json"]);

        Assert.Equal((2, "error: missing.yaml: found no such file, expected a manifest\n"), (run.ExitCode, run.Error));
        var error = JsonNode.Parse(run.Output)!["error"]!;
        Assert.Equal(2, (int)error["exitCode"]!);
        Assert.Equal("missing.yaml", (string)error["errors"]![0]!["file"]!);
        Assert.Equal("no such file", (string)error["errors"]![0]!["found"]!);
    }

    [Fact]
    public async Task A_report_of_nothing_is_bad_input()
    {
        var run = await VpRun.Of(["report", "--output", Path.Combine(Path.GetTempPath(), "vp-no-such-run")]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("run.json", run.Error, StringComparison.Ordinal);
    }
}
