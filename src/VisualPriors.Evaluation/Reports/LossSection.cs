namespace VisualPriors.Evaluation.Reports;

/// <summary>The loss curves of every training stage.</summary>
internal static class LossSection
{
    public static Markup Render(ReportContent content)
    {
        var charts = new Markup();
        var any = false;
        for (var i = 0; i < content.Stages.Count; i++)
        {
            var stage = content.Stages[i];
            if (stage.Metrics.Any(line => IsFinite(line.Loss) || IsFinite(line.ValidationLoss)))
            {
                any = true;
                charts.Add($"{Charts(stage, i)}");
            }
        }

        return any
            ? Markup.Of($"""
                <section id="loss"><h2>Learning</h2>
                <p class="lead">Loss per supervised token. The faint line is every step, the strong one a running mean; dots are measured on held-out text.</p>
                <div class="losses">{charts}</div></section>

                """)
            : charts;
    }

    private static Markup Charts(StageContent stage, int index)
    {
        // Tokens where every line has them: they compare between batch sizes. Validation lines carry only a step.
        var tokensAt = stage.Metrics.Where(line => line.Tokens is not null).GroupBy(line => line.Step).ToDictionary(group => group.Key, group => (double)group.First().Tokens!.Value);
        var byTokens = tokensAt.Count > 0 && stage.Metrics.Where(line => line.Loss is not null).All(line => line.Tokens is not null);
        double X(MetricLine line) => byTokens ? tokensAt.GetValueOrDefault(line.Step, line.Tokens ?? Interpolate(tokensAt, line.Step)) : line.Step;

        var raw = stage.Metrics.Where(line => IsFinite(line.Loss)).Select(line => new ChartPoint(X(line), line.Loss!.Value)).ToArray();
        var validation = stage.Metrics.Where(line => IsFinite(line.ValidationLoss)).Select(line => new ChartPoint(X(line), line.ValidationLoss!.Value)).ToArray();
        var curves = new List<Curve>();
        if (raw.Length > 0)
        {
            curves.Add(new Curve("training", "c1", Smooth(raw)) { Raw = raw });
        }

        if (validation.Length > 0)
        {
            curves.Add(new Curve("validation", "c6", validation) { Marked = true });
        }

        var unit = byTokens ? "tokens" : "steps";
        var charts = new Markup();
        charts.Add($"{new LossChart { Id = $"loss-{index}", Title = Show.Kind(stage.Record.Kind), Unit = unit, Curves = curves }.Render()}");
        var bySource = BySource(stage, X);
        if (bySource.Count > 0)
        {
            charts.Add($"{new LossChart { Id = $"loss-{index}-by-source", Title = "Validation loss by source", Unit = unit, Curves = bySource }.Render()}");
        }

        return charts;
    }

    private static List<Curve> BySource(StageContent stage, Func<MetricLine, double> x)
    {
        var lines = stage.Metrics.Where(line => line.ValidationLossBySource is not null).ToArray();
        var sources = lines.SelectMany(line => line.ValidationLossBySource!.Keys).Distinct().Order(StringComparer.Ordinal).ToArray();
        return [.. sources.Select((source, i) => new Curve(
            source,
            Palette.Of(i),
            [.. lines
                .Where(line => line.ValidationLossBySource!.TryGetValue(source, out var loss) && double.IsFinite(loss))
                .Select(line => new ChartPoint(x(line), line.ValidationLossBySource![source]))]) { Marked = true })];
    }

    /// <summary>Mean over a window around every step, a twentieth of the curve: centred, so that it does not lag behind a fall.</summary>
    private static ChartPoint[] Smooth(ChartPoint[] raw)
    {
        var sums = new double[raw.Length + 1];
        for (var i = 0; i < raw.Length; i++)
        {
            sums[i + 1] = sums[i] + raw[i].Y;
        }

        return [.. raw.Select((point, i) =>
        {
            // At the start, where losses fall steeply, narrower but still centred; at the end, where they are level, one-sided.
            var half = raw.Length / 40;
            var (from, to) = (Math.Max(0, i - half), Math.Min(raw.Length, i + Math.Min(half, i) + 1));
            return point with { Y = (sums[to] - sums[from]) / (to - from) };
        })];
    }

    /// <summary>Tokens at a step that has no training line (the one before the first).</summary>
    private static double Interpolate(Dictionary<long, double> tokensAt, long step)
    {
        var last = tokensAt.Keys.Max();
        return last == 0 ? 0 : tokensAt[last] * step / last;
    }

    private static bool IsFinite(double? value) => value is { } number && double.IsFinite(number);
}

/// <summary>Colours for sources, by order of name: the same source has the same colour throughout a report.</summary>
internal static class Palette
{
    private const int Colours = 8;

    public static string Of(int index) => $"c{(index % Colours) + 1}";
}
