namespace VisualPriors.Evaluation.Reports;

/// <summary>What was drawn from every source against what was asked for.</summary>
internal static class MixtureSection
{
    public static Markup Render(ReportContent content)
    {
        var section = new Markup();
        foreach (var stage in content.Stages)
        {
            if (stage.Mixture.Count > 0 && stage.Mixture.Sum(entry => entry.Weight) > 0)
            {
                section.Add($"{RenderStage(stage)}");
            }
        }

        return section;
    }

    private static Markup RenderStage(StageContent stage)
    {
        var whole = stage.Mixture.Sum(entry => entry.Weight);
        var longest = stage.Mixture.Max(entry => Math.Max(entry.Share, entry.Weight / whole));
        var names = stage.Mixture.Select(entry => entry.Source).Order(StringComparer.Ordinal).ToList();
        var rows = new Markup();
        foreach (var entry in stage.Mixture.OrderByDescending(entry => entry.Weight).ThenBy(entry => entry.Source, StringComparer.Ordinal))
        {
            var wanted = entry.Weight / whole;
            rows.Add($"""
                <tr><th scope="row">{entry.Source}</th><td class="track"><div><i class="{Palette.Of(names.IndexOf(entry.Source))}" style="width:{100 * entry.Share / longest}%"></i><s style="left:{100 * wanted / longest}%"></s></div></td>
                <td>{Show.Percent(entry.Share, 2)}</td><td>{Show.Percent(wanted, 2)}</td><td>{Show.Count(entry.Samples)}</td></tr>

                """);
        }

        var total = stage.Mixture.Sum(entry => entry.Samples);
        return Markup.Of($"""
            <section class="mixture" id="mixture-{stage.Record.Run}"><h2>Reading</h2>
            <p class="lead">Text that {stage.Record.Run} was trained on: {Show.Count(total)} sequences. Bars are what was drawn, the upright mark is what was asked for.</p>
            <div class="scroll"><table class="numbers"><thead><tr><th scope="col">source</th><th scope="col"></th><th scope="col">drawn</th><th scope="col">asked for</th><th scope="col">sequences</th></tr></thead><tbody>{rows}</tbody></table></div></section>

            """);
    }
}
