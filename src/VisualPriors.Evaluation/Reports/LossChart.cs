using System.Text.Json;

namespace VisualPriors.Evaluation.Reports;

/// <summary>A curve of a loss chart.</summary>
/// <param name="Name">What it is, for the legend and the read-out.</param>
/// <param name="Colour">Its colour's class in the style sheet, such as <c>c1</c>.</param>
/// <param name="Points">Values over the axis, ordered.</param>
internal sealed record Curve(string Name, string Colour, IReadOnlyList<ChartPoint> Points)
{
    /// <summary>Values before smoothing, drawn faintly behind the curve; empty where there are none.</summary>
    public IReadOnlyList<ChartPoint> Raw { get; init; } = [];

    /// <summary>Mark every value: measurements, not a trend.</summary>
    public bool Marked { get; init; }
}

/// <summary>One value.</summary>
internal readonly record struct ChartPoint(double X, double Y);

/// <summary>What the page's script needs for a read-out.</summary>
/// <param name="Unit">Unit of the horizontal axis.</param>
/// <param name="Minimum">Its first value.</param>
/// <param name="Maximum">Its last value.</param>
/// <param name="Series">Every curve.</param>
internal sealed record ChartData(string Unit, double Minimum, double Maximum, IReadOnlyList<ChartSeries> Series);

/// <summary>A curve for the page's script: values as pairs.</summary>
internal sealed record ChartSeries(string Name, string Colour, IReadOnlyList<double[]> Points);

/// <summary>
/// A line chart of losses as SVG, drawn twice: once for a wide column and once for a phone, where shrinking the wide one would make
/// its words too small to read. The style sheet shows the one that fits.
/// </summary>
internal sealed record LossChart
{
    /// <summary>Values drawn of one curve at most: more than one for each pixel adds weight, not detail.</summary>
    private const int MaximumPoints = 320;

    // The default encoder, which writes <, > and & as escapes: the JSON cannot end the element that it stands in.
    private static readonly ReportJson Compact = new(new JsonSerializerOptions(ReportJson.Default.Options) { WriteIndented = false });

    public required string Id { get; init; }

    public required string Title { get; init; }

    /// <summary>Unit of the horizontal axis: tokens or steps.</summary>
    public required string Unit { get; init; }

    public required IReadOnlyList<Curve> Curves { get; init; }


    /// <summary>Curves too many to tell apart by a legend are named at their ends, where the chart is wide enough.</summary>
    private bool HasEndLabels => Curves.Count > 2;

    public Markup Render()
    {
        var all = Curves.SelectMany(curve => curve.Points.Concat(curve.Raw)).ToArray();
        if (all.Length == 0)
        {
            return new Markup();
        }

        var (x0, x1) = (all.Min(point => point.X), all.Max(point => point.X));
        var (y0, y1) = (all.Min(point => point.Y), all.Max(point => point.Y));
        var room = Math.Max((y1 - y0) * 0.06, 0.01);
        var data = new ChartData(Unit, x0, x1, [.. Curves.Select(curve => new ChartSeries(curve.Name, curve.Colour, [.. Thin(curve.Points).Select(point => new[] { Math.Round(point.X, 2), Math.Round(point.Y, 4) })]))]);
        var json = Markup.Trusted(JsonSerializer.Serialize(data, Compact.ChartData));
        var legend = new Markup();
        foreach (var curve in Curves)
        {
            legend.Add($"""<span class="key {curve.Colour}"><i class="{(curve.Marked ? "dot" : "line")}"></i>{curve.Name}</span>""");
        }

        return Markup.Of($"""
            <figure class="chart" id="{Id}">
            <figcaption><b>{Title}</b><span class="legend{(HasEndLabels ? " narrow-only" : "")}">{legend}</span></figcaption>
            {Draw(500, 320, "wide", x0, x1, Math.Max(0, y0 - room), y1 + room)}{Draw(350, 280, "narrow", x0, x1, Math.Max(0, y0 - room), y1 + room)}
            <output class="readout" hidden></output>
            <script type="application/json">{json}</script>
            </figure>

            """);
    }

    private Markup Draw(int width, int height, string variant, double x0, double x1, double y0, double y1)
    {
        var wide = variant == "wide";
        var labelRoom = HasEndLabels && wide ? 106 : 14;
        var x = Axis.Over(x0, x1, 46, width - labelRoom);
        var y = Axis.Over(y0, y1, height - 42, 28);
        var svg = new Markup();
        svg.Add($"""<svg class="{variant}" viewBox="0 0 {width} {height}" role="img" aria-label="{Title}" data-left="{x.From}" data-right="{x.To}" data-top="{y.To}" data-bottom="{y.From}">""");
        foreach (var tick in y.Ticks(wide ? 5 : 4))
        {
            svg.Add($"""<line class="grid" x1="{x.From}" x2="{x.To}" y1="{y.At(tick)}" y2="{y.At(tick)}"/><text class="tick" x="{x.From - 8}" y="{y.At(tick) + 4}" text-anchor="end">{Show.Short(tick)}</text>""");
        }

        foreach (var tick in x.Ticks(wide ? 5 : 3))
        {
            svg.Add($"""<line class="axis" x1="{x.At(tick)}" x2="{x.At(tick)}" y1="{y.From}" y2="{y.From + 5}"/><text class="tick" x="{x.At(tick)}" y="{y.From + 19}" text-anchor="middle">{Show.Short(tick)}</text>""");
        }

        svg.Add($"""<line class="axis" x1="{x.From}" x2="{x.To}" y1="{y.From}" y2="{y.From}"/><text class="unit" x="{x.To}" y="{y.From + 36}" text-anchor="end">{Unit}</text><text class="unit" x="0" y="14">nats per token</text>""");
        foreach (var curve in Curves)
        {
            if (curve.Raw.Count > 0)
            {
                svg.Add($"""<path class="raw {curve.Colour}" d="{Path(Envelope(curve.Raw), x, y)}"/>""");
            }
        }

        foreach (var curve in Curves)
        {
            svg.Add($"""<path class="curve {curve.Colour}{(curve.Marked ? " marked" : "")}" d="{Path(Thin(curve.Points), x, y)}"/>""");
            foreach (var point in curve.Marked ? Thin(curve.Points) : [])
            {
                svg.Add($"""<circle class="mark {curve.Colour}" cx="{x.At(point.X)}" cy="{y.At(point.Y)}" r="{(curve.Points.Count > 40 ? 2 : 3.5)}"/>""");
            }
        }

        if (HasEndLabels && wide)
        {
            AddEndLabels(svg, x, y);
        }

        return svg.Add($"""<line class="cross" x1="0" x2="0" y1="{y.To}" y2="{y.From}" visibility="hidden"/></svg>""");
    }

    /// <summary>Names every curve at its end, pushed apart where ends lie close.</summary>
    private void AddEndLabels(Markup svg, Axis x, Axis y)
    {
        const double LineHeight = 15;
        var ends = Curves.Where(curve => curve.Points.Count > 0).Select(curve => (curve, At: y.At(curve.Points[^1].Y))).OrderBy(end => end.At).ToArray();
        var positions = ends.Select(end => end.At).ToArray();
        for (var i = 1; i < positions.Length; i++)
        {
            positions[i] = Math.Max(positions[i], positions[i - 1] + LineHeight);
        }

        for (var i = positions.Length - 1; i >= 0; i--)
        {
            positions[i] = Math.Min(positions[i], i == positions.Length - 1 ? y.From - 2 : positions[i + 1] - LineHeight);
        }

        for (var i = 0; i < ends.Length; i++)
        {
            svg.Add($"""<path class="leader" d="M{x.To + 4} {ends[i].At}L{x.To + 12} {positions[i]}"/><text class="endlabel {ends[i].curve.Colour}" x="{x.To + 16}" y="{positions[i] + 4}">{ends[i].curve.Name}</text>""");
        }
    }

    private static Markup Path(IEnumerable<ChartPoint> points, Axis x, Axis y)
    {
        var path = new Markup();
        var first = true;
        foreach (var point in points)
        {
            path.Add($"{(first ? "M" : "L")}{x.At(point.X)} {y.At(point.Y)}");
            first = false;
        }

        return path;
    }

    /// <summary>Evenly chosen points, the last always among them.</summary>
    private static IEnumerable<ChartPoint> Thin(IReadOnlyList<ChartPoint> points)
    {
        var count = Math.Min(points.Count, MaximumPoints);
        for (var i = 0; i < count; i++)
        {
            yield return points[count == 1 ? points.Count - 1 : (int)((long)i * (points.Count - 1) / (count - 1))];
        }
    }

    /// <summary>The lowest and highest value of every stretch, so that thinning hides no spike.</summary>
    private static IEnumerable<ChartPoint> Envelope(IReadOnlyList<ChartPoint> points)
    {
        if (points.Count <= MaximumPoints)
        {
            return points;
        }

        var stretch = (points.Count / (MaximumPoints / 2)) + 1;
        return points.Chunk(stretch).SelectMany(chunk =>
        {
            var (low, high) = (chunk.MinBy(point => point.Y), chunk.MaxBy(point => point.Y));
            return low.X <= high.X ? new[] { low, high } : [high, low];
        });
    }
}
