using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Reports;

/// <summary>Accuracy by object size with confidence intervals, beside chance and the model without images.</summary>
internal static class AccuracySection
{
    private sealed record Bar(string Label, string Sub, Score Score, string Style);

    public static Markup Render(ReportContent content)
    {
        var section = new Markup();
        foreach (var stage in content.Stages)
        {
            foreach (var suite in stage.Results?.Suites ?? [])
            {
                section.Add($"{RenderSuite(stage, suite)}");
            }
        }

        return section;
    }

    /// <summary>What guessing gives: the mean of one over the number of options.</summary>
    public static double? Chance(StageContent stage, string suite)
    {
        var asked = stage.Samples.Where(sample => sample.Suite == suite).ToArray();
        return asked.Length == 0 ? null : asked.Average(sample => 1.0 / sample.Choices.Count);
    }

    /// <summary>A suite's name in words.</summary>
    public static string Title(string suite) => suite == "mleBench" ? "Multi-Level Existence Bench" : suite;

    private static Markup RenderSuite(StageContent stage, SuiteResult suite)
    {
        var bars = suite.Scores.Where(score => score.Name != MultipleChoiceScore.BlindOverall).Select(Label).ToList();
        if (suite.Find(MultipleChoiceScore.BlindOverall) is { } blind)
        {
            bars.Add(new Bar("no image", "all questions", blind, "blind"));
        }

        if (bars.Count == 0)
        {
            return new Markup();
        }

        var chance = Chance(stage, suite.Suite);
        var rows = new Markup();
        foreach (var bar in bars)
        {
            rows.Add($"""<tr><th scope="row">{bar.Label}</th><td>{Show.Percent(bar.Score.Accuracy)}</td><td>{Show.Range(bar.Score.Low, bar.Score.High)}</td><td>{Show.Count(bar.Score.Correct)} of {Show.Count(bar.Score.Questions)}</td></tr>""");
        }

        var lead = chance is null ? "" : $"Guessing gives {Show.Percent(chance.Value, 0)}. ";
        return Markup.Of($"""
            <section id="accuracy-{suite.Suite}" class="accuracy"><h2>Seeing</h2>
            <p class="lead">{Title(suite.Suite)}: accuracy by the share of the picture that the object covers (small below 30{"\u202f"}%, large above 60{"\u202f"}%). {lead}Whiskers are 95{"\u202f"}% Wilson intervals; overall weighs every question alike.</p>
            <div class="beside"><figure class="chart bars">{Draw(bars, chance, 620, 340, "wide")}{Draw(bars, chance, 350, 290, "narrow")}</figure>
            <div class="scroll"><table class="numbers tight"><thead><tr><th scope="col">objects</th><th scope="col">accuracy</th><th scope="col">95{"\u202f"}% interval</th><th scope="col">right</th></tr></thead><tbody>{rows}</tbody></table></div></div>
            </section>

            """);
    }

    private static Bar Label(Score score) => score.Name switch
    {
        "small" => new Bar("small", "0–30 %", score, "size"),
        "medium" => new Bar("medium", "30–60 %", score, "size"),
        "large" => new Bar("large", "60–100 %", score, "size"),
        MultipleChoiceScore.Overall => new Bar("overall", "all questions", score, "overall"),
        _ => new Bar(score.Name, "", score, "size"),
    };

    private static Markup Draw(IReadOnlyList<Bar> bars, double? chance, int width, int height, string variant)
    {
        var wide = variant == "wide";
        var x = new Axis(0, bars.Count, 46, width - (wide && chance is not null ? 84 : 4));
        var y = new Axis(0, 1, height - 48, 16);
        var barWidth = Math.Min(76, (x.To - x.From) / bars.Count * 0.62);
        var svg = new Markup();
        svg.Add($"""<svg class="{variant}" viewBox="0 0 {width} {height}" role="img" aria-label="Accuracy by object size"><defs><pattern id="hatch-{variant}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>""");
        foreach (var tick in y.Ticks(wide ? 5 : 2))
        {
            svg.Add($"""<line class="grid" x1="{x.From}" x2="{x.To}" y1="{y.At(tick)}" y2="{y.At(tick)}"/><text class="tick" x="{x.From - 8}" y="{y.At(tick) + 4}" text-anchor="end">{Show.Percent(tick, 0)}</text>""");
        }

        for (var i = 0; i < bars.Count; i++)
        {
            var (bar, centre) = (bars[i], x.At(i + 0.5));
            var (top, low, high) = (y.At(bar.Score.Accuracy), y.At(bar.Score.Low), y.At(bar.Score.High));
            var left = centre - (barWidth / 2);
            var radius = Math.Min(4, y.From - top);
            svg.Add($"""<g class="bar {bar.Style}"><title>{bar.Label}: {Show.Percent(bar.Score.Accuracy)}, 95 % interval {Show.Percent(bar.Score.Low)} to {Show.Percent(bar.Score.High)}, {Show.Count(bar.Score.Questions)} questions</title>""");
            svg.Add($"""<path class="column" d="M{left} {y.From}V{top + radius}q0 {-radius} {radius} {-radius}H{left + barWidth - radius}q{radius} 0 {radius} {radius}V{y.From}Z"{Hatch(bar, variant)}/>""");
            svg.Add($"""<path class="whisker" d="M{centre} {low}V{high}M{centre - 7} {low}h14M{centre - 7} {high}h14"/>""");
            svg.Add($"""<text class="value" x="{centre}" y="{high - 8}" text-anchor="middle">{Show.Percent(bar.Score.Accuracy, wide ? 1 : 0)}</text>""");
            svg.Add($"""<text class="name" x="{centre}" y="{y.From + 19}" text-anchor="middle">{bar.Label}</text><text class="unit" x="{centre}" y="{y.From + 36}" text-anchor="middle">{(wide ? bar.Sub : "")}</text></g>""");
        }

        svg.Add($"""<line class="axis" x1="{x.From}" x2="{x.To}" y1="{y.From}" y2="{y.From}"/>""");
        if (chance is { } level)
        {
            // On a phone there is no room beside the bars; between the marks of the axis there is.
            var label = wide
                ? Markup.Of($"""<text x="{x.To + 6}" y="{y.At(level) + 4}">chance {Show.Percent(level, 0)}</text>""")
                : Markup.Of($"""<text x="{x.From - 4}" y="{y.At(level) + 4}" text-anchor="end">chance</text>""");
            svg.Add($"""<g class="chance"><line x1="{x.From}" x2="{x.To}" y1="{y.At(level)}" y2="{y.At(level)}"/>{label}</g>""");
        }

        return svg.Add($"</svg>");
    }

    private static Markup Hatch(Bar bar, string variant) => bar.Style == "blind" ? Markup.Of($""" style="fill:url(#hatch-{variant})" """) : new Markup();
}
