using System.Text;
using VisualPriors.Api.Errors;
using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Reports;

/// <summary>
/// Writes a run's report: one HTML file that needs nothing else, no network either, to be read on a screen of any width, in light or
/// dark, or printed. Parts whose data is not there are left out.
/// </summary>
public static class ReportWriter
{
    /// <summary>Name of the report in the run's output folder.</summary>
    public const string FileName = "report.html";

    /// <summary>Reads <c>run.json</c> and the stages' artifacts below an output folder and writes <c>report.html</c> beside it.</summary>
    /// <returns>The report's path.</returns>
    /// <exception cref="InvalidInputException">A file that the report is made from is missing or broken.</exception>
    public static string Write(string outputDirectory)
    {
        var page = Render(ReportReader.Read(outputDirectory));
        var path = Path.Combine(outputDirectory, FileName);
        var partial = path + ".partial";
        File.WriteAllText(partial, page.ToString(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        File.Move(partial, path, overwrite: true);
        return path;
    }

    private static Markup Render(ReportContent content) => Markup.Of($"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
        <link rel="icon" href="data:,">
        <title>{content.Name} · VisualPriors</title>
        <style>{Asset("report.css")}</style>
        </head>
        <body>
        <main>
        {Headline(content)}{ChainSection.Render(content)}{AccuracySection.Render(content)}{GallerySection.Render(content)}{LossSection.Render(content)}{MixtureSection.Render(content)}{SettingsSection.Render(content)}{Origins(content)}{Manifest(content)}
        </main>
        <footer>Written by VisualPriors from the run’s own records. Nothing in this page is loaded from elsewhere.</footer>
        <script>{Asset("report.js")}</script>
        </body>
        </html>

        """);

    private static Markup Headline(ReportContent content)
    {
        var tiles = new Markup();
        foreach (var (label, value, note) in Tiles(content))
        {
            tiles.Add($"""<div class="tile"><dt>{label}</dt><dd>{value}<small>{note}</small></dd></div>""");
        }

        var scored = FirstSuite(content);
        var overall = scored?.Suite.Find(MultipleChoiceScore.Overall);
        var title = overall is null
            ? Markup.Of($"{content.Name}: {string.Join(", ", content.Stages.Select(stage => Show.Kind(stage.Record.Kind).ToLowerInvariant()))}")
            : Markup.Of($"It names what is there <strong>{Show.Percent(overall.Accuracy)}</strong> of the time");
        return Markup.Of($"""
            <header class="top"><p class="eyebrow">VisualPriors <span>{content.Name}</span></p><h1>{title}</h1><p class="standfirst">{Standfirst(scored)}</p><dl class="tiles">{tiles}</dl></header>

            """);
    }

    private static (StageContent Stage, SuiteResult Suite)? FirstSuite(ReportContent content)
    {
        foreach (var stage in content.Stages)
        {
            if (stage.Results?.Suites is [var suite, ..])
            {
                return (stage, suite);
            }
        }

        return null;
    }

    private static string Standfirst((StageContent Stage, SuiteResult Suite)? scored)
    {
        if (scored is not { } found)
        {
            return "";
        }

        var text = new StringBuilder($"{Show.Count(found.Suite.Questions)} questions, each about one picture and with options to choose from.");
        if (AccuracySection.Chance(found.Stage, found.Suite.Suite) is { } chance)
        {
            text.Append($" Guessing would give {Show.Percent(chance, 0)}");
            text.Append(found.Suite.Find(MultipleChoiceScore.BlindOverall) is { } blind ? $"; with the pictures withheld, the same model gets {Show.Percent(blind.Accuracy)}." : ".");
        }

        return text.ToString();
    }

    private static IEnumerable<(string Label, string Value, string Note)> Tiles(ReportContent content)
    {
        if (FirstSuite(content)?.Suite.Find(MultipleChoiceScore.Overall) is { } overall)
        {
            yield return ("Accuracy", Show.Percent(overall.Accuracy), $"{Show.Range(overall.Low, overall.High)} with 95 % confidence");
        }

        if (content.Of("pretrain").FirstOrDefault() is { } pretrain)
        {
            var results = pretrain.Record.Results;
            var validations = pretrain.Metrics.Where(line => line.ValidationLoss is { } loss && double.IsFinite(loss)).Select(line => line.ValidationLoss!.Value).ToArray();
            double? last = results.TryGetValue("finalValidationLoss", out var final) ? final : validations is [.., var end] ? end : null;
            double? first = results.TryGetValue("initialLoss", out var initial) ? initial : validations is [var start, _, ..] ? start : null;
            if (last is { } loss)
            {
                yield return ("Validation loss", Show.Loss(loss), first is > 0 ? $"from {Show.Loss(first.Value)}: down {Show.Percent(1 - (loss / first.Value), 0)}" : "nats per token");
            }

            var tokens = results.TryGetValue("tokens", out var trained) ? trained : pretrain.Metrics.Max(line => (double?)line.Tokens);
            if (tokens is > 0)
            {
                var speed = results.TryGetValue("tokensPerSecond", out var rate) ? $" at {Show.Short(rate)} a second" : "";
                yield return ("Text read", Show.Short(tokens.Value), $"tokens{speed}");
            }

            if (results.TryGetValue("parameters", out var parameters))
            {
                yield return ("Language model", Show.Short(parameters), "parameters");
            }
        }

        yield return ("Computing", Show.Duration(content.Stages.Sum(stage => stage.Record.Seconds)), $"in {content.Stages.Count} stages");
    }

    private static Markup Origins(ReportContent content)
    {
        var rows = new Markup();
        foreach (var origin in content.Origins)
        {
            rows.Add($"""<tr><th scope="row">{origin.Name}</th><td>{origin.Description}</td><td class="amount">{origin.Amount}</td><td>{origin.Licence}</td></tr>""");
        }

        return content.Origins.Count == 0 ? rows : Markup.Of($"""
            <section id="origins"><h2>Where the data came from</h2>
            <div class="scroll"><table class="texts"><thead><tr><th scope="col">data</th><th scope="col">what it is</th><th scope="col">amount</th><th scope="col">licence</th></tr></thead><tbody>{rows}</tbody></table></div></section>

            """);
    }

    private static Markup Manifest(ReportContent content) => string.IsNullOrWhiteSpace(content.Run.Manifest) ? new Markup() : Markup.Of($"""
        <section id="manifest"><h2>Manifest</h2><details><summary>The manifest that was run</summary><pre>{content.Run.Manifest}</pre></details></section>

        """);

    private static Markup Asset(string name)
    {
        using var stream = typeof(ReportWriter).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return Markup.Trusted(reader.ReadToEnd());
    }
}
