using VisualPriors.Api.Plans;
using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Reports;

/// <summary>Sample scenes with question, options, the model's answer and the truth, taken evenly from sizes and from right and wrong.</summary>
internal static class GallerySection
{
    /// <summary>Scenes for each size and each of right and wrong, where there are so many.</summary>
    private const int ScenesPerCell = 4;

    /// <summary>Largest picture taken into the page.</summary>
    private const int MaximumImageBytes = 512 << 10;

    public static Markup Render(ReportContent content)
    {
        var section = new Markup();
        foreach (var stage in content.Stages)
        {
            var suites = stage.Samples.Select(sample => sample.Suite).Distinct().ToArray();
            foreach (var suite in suites)
            {
                var answers = stage.Samples.Where(sample => sample.Suite == suite).ToArray();
                var folder = stage.InputFolders.GetValueOrDefault(StageInputs.Suite(SuiteIndex(stage, suite)));
                var cards = new Markup();
                foreach (var answer in Choose(answers))
                {
                    cards.Add($"{Card(answer, folder)}");
                }

                section.Add($"""
                    <section id="scenes-{suite}"><h2>Scenes</h2>
                    <p class="lead">{AccuracySection.Title(suite)}: every size, right and wrong answers shown in equal numbers where there are enough, so the page is not a sample of the accuracy.</p>
                    <div class="gallery">{cards}</div></section>

                    """);
            }
        }

        return section;
    }

    /// <summary>Scenes to show: the same number from every size and verdict, spread evenly over the questions; order of size, right first.</summary>
    internal static IReadOnlyList<AnswerRecord> Choose(IReadOnlyList<AnswerRecord> answers)
    {
        var chosen = new List<AnswerRecord>();
        foreach (var size in answers.GroupBy(answer => answer.SubTask).OrderBy(group => SizeOrder(group.Key)).ThenBy(group => group.Key, StringComparer.Ordinal))
        {
            var right = size.Where(answer => answer.IsCorrect).ToArray();
            var wrong = size.Where(answer => !answer.IsCorrect).ToArray();
            var wrongShown = Math.Min(wrong.Length, Math.Max(ScenesPerCell, (2 * ScenesPerCell) - right.Length));
            chosen.AddRange(Spread(right, (2 * ScenesPerCell) - wrongShown));
            chosen.AddRange(Spread(wrong, wrongShown));
        }

        return chosen;
    }

    private static IEnumerable<AnswerRecord> Spread(AnswerRecord[] answers, int count)
    {
        count = Math.Min(count, answers.Length);
        return Enumerable.Range(0, count).Select(i => answers[(int)(((2L * i) + 1) * answers.Length / (2L * count))]);
    }

    private static int SizeOrder(string subTask)
    {
        for (var i = 0; i < MultipleChoiceScore.Sizes.Count; i++)
        {
            if (MultipleChoiceScore.Sizes[i].SubTask == subTask)
            {
                return i;
            }
        }

        return int.MaxValue;
    }

    private static int SuiteIndex(StageContent stage, string suite)
    {
        var index = stage.Results?.Suites.ToList().FindIndex(result => result.Suite == suite) ?? 0;
        return Math.Max(0, index);
    }

    private static Markup Card(AnswerRecord answer, string? folder)
    {
        var size = MultipleChoiceScore.Sizes.FirstOrDefault(entry => entry.SubTask == answer.SubTask).Name ?? answer.SubTask;
        var options = new Markup();
        for (var i = 0; i < answer.Choices.Count; i++)
        {
            var (isTruth, isChosen) = (i == answer.Answer, i == answer.Chosen);
            var style = (isTruth, isChosen) switch { (true, true) => "truth chosen", (true, false) => "truth", (false, true) => "chosen", _ => "" };
            var tag = (isTruth, isChosen) switch { (true, true) => "model, truth", (true, false) => "truth", (false, true) => "model", _ => "" };
            options.Add($"""<li class="{style}"><b>{((char)('A' + i)).ToString()}</b><span>{answer.Choices[i]}</span><em>{tag}</em></li>""");
        }

        var none = answer.Chosen is null ? Markup.Of($"""<p class="said">It wrote “{Shorten(answer.Output)}”, which chooses no option.</p>""") : new Markup();
        var (verdict, sign) = answer.IsCorrect ? ("right", "✓") : ("wrong", "✗");
        return Markup.Of($"""
            <article class="scene {verdict}"><div class="picture">{Picture(answer.Image, folder)}</div>
            <header><span class="verdict"><i aria-hidden="true">{sign}</i> {verdict}</span><span class="size">{size}<span class="wide-only"> object</span></span></header>
            <p class="question">{answer.Question}</p><ul class="options">{options}</ul>{none}</article>

            """);
    }

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..80] + "…";

    private static Markup Picture(string image, string? folder)
    {
        if (folder is null || SafePath.Below(folder, image) is not { } path || !File.Exists(path) || new FileInfo(path).Length > MaximumImageBytes)
        {
            return Markup.Of($"""<div class="missing">picture not at hand</div>""");
        }

        var bytes = File.ReadAllBytes(path);
        return MediaType(bytes) is { } type
            ? Markup.Of($"""<img alt="The scene that the question is about" loading="lazy" src="data:{type};base64,{Convert.ToBase64String(bytes)}">""")
            : Markup.Of($"""<div class="missing">not a picture</div>""");
    }

    /// <summary>What a file is by its first bytes: only pictures get into the page, whatever a name says.</summary>
    private static string? MediaType(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith(new byte[] { 0x89, 0x50, 0x4e, 0x47 }) ? "image/png"
        : bytes.StartsWith(new byte[] { 0xff, 0xd8, 0xff }) ? "image/jpeg"
        : bytes.Length > 12 && bytes.StartsWith("RIFF"u8) && bytes[8..].StartsWith("WEBP"u8) ? "image/webp"
        : null;
}
