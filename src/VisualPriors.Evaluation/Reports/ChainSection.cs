namespace VisualPriors.Evaluation.Reports;

/// <summary>The chain of stages with what each took in, its digest and its time.</summary>
internal static class ChainSection
{
    public static Markup Render(ReportContent content)
    {
        var nodes = new Markup();
        foreach (var stage in content.Stages)
        {
            nodes.Add($"""
                <li class="node"><span class="kind">{Show.Kind(stage.Record.Kind)}</span><b>{stage.Record.Run}</b>
                <span class="time">{Show.Duration(stage.Record.Seconds)}{(stage.Record.Reused ? " · reused" : "")}</span>
                <code title="stage digest {stage.Record.Digest}">{Show.Digest(stage.Record.Digest)}</code>{Inputs(content, stage)}</li>

                """);
        }

        return content.Stages.Count == 0 ? nodes : Markup.Of($"""
            <section id="chain"><h2>The chain</h2>
            <p class="lead">A stage’s digest names what it computes, its inputs included: the same digest is the same result.</p>
            <ol class="chain">{nodes}</ol></section>

            """);
    }

    /// <summary>Prepared data that enters at this stage; what comes from earlier stages is the arrow.</summary>
    private static Markup Inputs(ReportContent content, StageContent stage)
    {
        var digests = content.Stages.Select(other => other.Record.Digest).ToHashSet(StringComparer.Ordinal);
        var list = new Markup();
        var any = false;
        foreach (var input in Json.Members(Json.Member(stage.Computation, "inputs")))
        {
            var digest = input.Value.ToString();
            if (digests.Contains(digest))
            {
                continue;
            }

            any = true;
            var folder = stage.InputFolders.TryGetValue(input.Name, out var path) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(path)) : input.Name;
            list.Add($"""<li title="{input.Name} {digest}">{folder}</li>""");
        }

        return any ? Markup.Of($"""<ul class="inputs" aria-label="prepared data">{list}</ul>""") : list;
    }
}
