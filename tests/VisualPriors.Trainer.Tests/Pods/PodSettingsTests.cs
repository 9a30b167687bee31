using VisualPriors.Api.Errors;
using VisualPriors.Trainer.Launching;
using VisualPriors.Trainer.Pods;

namespace VisualPriors.Trainer.Tests.Pods;

public sealed class PodSettingsTests
{
    [Fact]
    public void Without_an_operator_nothing_is_set() => Assert.Equal(new PodSettings(), PodSettings.Parse(_ => null));

    [Fact]
    public void What_an_operator_says_is_read() => Assert.Equal(
        new PodSettings
        {
            Scratch = "/scratch",
            Run = new RunName("lab", "SftRun", "tuned"),
            ReportAddress = new Uri("http://operator:8080/v1/progress"),
            ReportTokenFile = "/token",
            MetricsPort = 9400,
        },
        Parse(
            ("VISUALPRIORS_SCRATCH", "/scratch"),
            ("VISUALPRIORS_RUN", "lab/SftRun/tuned"),
            ("VISUALPRIORS_REPORT_ADDRESS", "http://operator:8080/v1/progress"),
            ("VISUALPRIORS_REPORT_TOKEN_FILE", "/token"),
            ("VISUALPRIORS_METRICS_PORT", "9400")));

    [Theory]
    [InlineData("VISUALPRIORS_SCRATCH", "scratch")]
    [InlineData("VISUALPRIORS_RUN", "decoder")]
    [InlineData("VISUALPRIORS_RUN", "lab//decoder")]
    [InlineData("VISUALPRIORS_REPORT_ADDRESS", "operator:8080")]
    [InlineData("VISUALPRIORS_REPORT_ADDRESS", "ftp://operator/")]
    [InlineData("VISUALPRIORS_METRICS_PORT", "0")]
    [InlineData("VISUALPRIORS_METRICS_PORT", "65536")]
    public void What_makes_no_sense_is_refused_by_name(string variable, string value)
    {
        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => Parse((variable, value))).Errors);

        Assert.Equal(("environment", variable, $"'{value}'"), (error.File, error.Field, error.Found));
    }

    [Fact]
    public void Ranks_JSON_passes_unmangled_and_is_told_to_people_without_its_wrapping()
    {
        var written = new List<string>();
        var json = new LaunchLog(written.Add, Serilog.Core.Logger.None);
        const string Event = """{"@t":"2026-01-01T00:00:00Z","@m":"The stage failed","@i":"1","@x":"Exception: why\n   at here","Rank":3}""";

        json.Pass(3, Event);
        json.Pass(3, "terminate called after throwing");
        new LaunchLog(written.Add).Pass(3, "as it is");
        new LaunchLog(written.Add).Say("begins");

        Assert.Equal([Event, "[rank 3] as it is", "[launch] begins"], written);
        Assert.Equal("The stage failed\nException: why\n   at here", LaunchLog.Readable(Event));
        Assert.Equal("""{"@t" torn}""", LaunchLog.Readable("""{"@t" torn}"""));
        Assert.Equal("text", LaunchLog.Readable("text"));
    }

    private static PodSettings Parse(params (string Name, string Value)[] variables) =>
        PodSettings.Parse(name => Array.Find(variables, variable => variable.Name == name).Value);
}
