using System.Text.RegularExpressions;
using VisualPriors.Api.Errors;
using VisualPriors.Evaluation.Reports;
using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Tests.Reports;

public sealed class ReportWriterTests : IDisposable
{
    private readonly SyntheticRun _run = new();

    [Fact]
    public void A_browser_shows_every_part_without_a_word_of_complaint()
    {
        var path = ReportWriter.Write(_run.WriteAll().Output);

        var (dom, console) = Chromium.Open(path);

        Assert.Empty(console);
        Assert.Contains("<h1>It names what is there <strong>", dom, StringComparison.Ordinal);
        Assert.Equal(5, Count(dom, "<div class=\"tile\">"));
        Assert.Equal(4, Count(dom, "<li class=\"node\">"));
        Assert.Contains("quickstart-pretrain", dom, StringComparison.Ordinal);
        Assert.Contains(SyntheticRun.Digest(3)[..12], dom, StringComparison.Ordinal);
        Assert.Equal(1, Count(dom, "· reused"));
        Assert.Equal(10, Count(dom, "<g class=\"bar ")); // Three sizes, overall and blind, for two widths.
        Assert.Contains("chance 25", dom, StringComparison.Ordinal);
        Assert.Equal(12, Count(dom, "<article class=\"scene right\">"));
        Assert.Equal(12, Count(dom, "<article class=\"scene wrong\">"));
        Assert.Equal(24, Count(dom, "src=\"data:image/png;base64,"));
        Assert.Equal(4, Count(dom, "id=\"loss-")); // Pre-training twice: in all and by source.
        foreach (var source in new[] { "web-crawl", "encyclopedia", "academia", "literature", "math", "code" })
        {
            Assert.Contains($"<th scope=\"row\">{source}</th><td class=\"track\">", dom, StringComparison.Ordinal);
        }

        Assert.Contains("global batch size", dom, StringComparison.Ordinal);
        Assert.Contains("CC-BY-4.0", dom, StringComparison.Ordinal);
        Assert.Contains("# change me", dom, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_loaded_from_elsewhere()
    {
        var page = File.ReadAllText(ReportWriter.Write(_run.WriteAll().Output));
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("""(?i)(src|href|action|data)\s*=\s*["']?(?!data:)(https?:|//|file:)""", page);
        Assert.DoesNotMatch("""(?i)@import|url\((?!#)""", page);
    }

    [Fact]
    public void Pointing_at_a_curve_reads_its_values_out()
    {
        var path = ReportWriter.Write(_run.WriteAll().Output);
        var probe = Path.Combine(_run.Output, "probe.html");
        File.WriteAllText(probe, File.ReadAllText(path).Replace("</body>", """
            <script>
              const svg = document.querySelector('#loss-0 svg.wide'), box = svg.getBoundingClientRect();
              svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + box.width / 2, clientY: box.top + 50 }));
              document.body.dataset.readout = document.querySelector('#loss-0 .readout').hidden ? 'hidden' : document.querySelector('#loss-0 .readout').textContent;
            </script></body>
            """, StringComparison.Ordinal));

        var (dom, console) = Chromium.Open(probe);

        Assert.Empty(console);
        Assert.Matches("""data-readout="3,\d{3},\d{3} tokenstraining 3\.\d{3}validation 3\.\d{3}""", dom);
    }

    [Fact]
    public void Hostile_names_stay_text()
    {
        const string Hostile = "</script><img src=x onerror=\"document.title='owned'\">'&";
        _run.WritePretrain();
        var metrics = Path.Combine(_run.StageFolder(0), "metrics.jsonl");
        File.AppendAllText(metrics, """{"step":1600,"validationLoss":3.4,"validationLossBySource":{"</script><script>document.title='owned'</script>":3.1,"b":3,"c":2}}""" + "\n");
        _run.WriteEval(questions: 12, hostile: text => text + Hostile);
        _run.WriteRun(["pretrain", "eval"], kind => kind + Hostile);

        var (dom, console) = Chromium.Open(ReportWriter.Write(_run.Output));

        Assert.Empty(console);
        Assert.DoesNotContain("<title>owned", dom, StringComparison.Ordinal);
        Assert.DoesNotContain("<img src=\"x\"", dom, StringComparison.Ordinal);
        Assert.Contains("&lt;/script&gt;&lt;img src=x", dom, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_without_data_are_left_out()
    {
        _run.WriteAdaptation(1, "align", 3.9, 2.1);
        _run.WriteRun(["align"]);
        var page = File.ReadAllText(ReportWriter.Write(_run.Output));
        Assert.Contains("id=\"loss\"", page, StringComparison.Ordinal);
        Assert.Contains("id=\"chain\"", page, StringComparison.Ordinal);
        foreach (var section in new[] { "accuracy", "scenes", "mixture", "origins" })
        {
            Assert.DoesNotContain($"id=\"{section}", page, StringComparison.Ordinal);
        }

        _run.WriteRun([]);
        Assert.Contains("<h1>", File.ReadAllText(ReportWriter.Write(_run.Output)), StringComparison.Ordinal);
    }

    [Fact]
    public void Losses_that_are_not_finite_and_pictures_that_are_gone_do_no_harm()
    {
        _run.WriteAll();
        File.AppendAllText(Path.Combine(_run.StageFolder(0), "metrics.jsonl"), """{"step":1601,"tokens":6557696,"loss":"NaN","learningRate":0,"gradientNorm":"Infinity"}""" + "\n");
        Directory.Delete(Path.Combine(_run.Data, "mle-bench"), recursive: true);
        var page = File.ReadAllText(ReportWriter.Write(_run.Output));
        Assert.Equal(24, Count(page, "picture not at hand"));
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_outside_the_data_set_and_files_that_are_no_pictures_are_not_taken_in()
    {
        _run.WriteEval(questions: 12);
        _run.WriteRun(["eval"]);
        File.WriteAllText(Path.Combine(_run.Data, "secret.png"), "secret");
        var images = Path.Combine(_run.Data, "mle-bench", "images");
        File.WriteAllText(Path.Combine(images, "0001.png"), "secret");
        var samples = Path.Combine(_run.StageFolder(3), EvaluationFiles.SamplesName);
        File.WriteAllText(samples, File.ReadAllText(samples).Replace("images/0000.png", "../secret.png", StringComparison.Ordinal));
        var page = File.ReadAllText(ReportWriter.Write(_run.Output));
        Assert.Equal(1, Count(page, "picture not at hand"));
        Assert.Equal(1, Count(page, "not a picture"));
        Assert.DoesNotContain(Convert.ToBase64String("secret"u8), page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../elsewhere")]
    [InlineData("/etc")]
    [InlineData("stages/../../x")]
    public void An_artifact_outside_the_output_folder_is_refused(string artifact)
    {
        _run.WriteRun(["align"]);
        var path = Path.Combine(_run.Output, RunRecord.FileName);
        File.WriteAllText(path, File.ReadAllText(path).Replace($"stages/{SyntheticRun.Digest(1)}", artifact, StringComparison.Ordinal));
        var error = Assert.Throws<InvalidInputException>(() => ReportWriter.Write(_run.Output));
        Assert.Contains("stages[0].artifact", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Broken_and_missing_records_are_named()
    {
        Assert.Contains("run.json", Assert.Throws<InvalidInputException>(() => ReportWriter.Write(_run.Output)).Message, StringComparison.Ordinal);
        _run.WriteAll();
        File.AppendAllText(Path.Combine(_run.StageFolder(1), "metrics.jsonl"), "{\"step\":oops}\n");
        var error = Assert.Throws<InvalidInputException>(() => ReportWriter.Write(_run.Output)).Errors[0];
        Assert.EndsWith("metrics.jsonl", error.File, StringComparison.Ordinal);
        Assert.Equal(241, error.Line);
        Assert.False(File.Exists(Path.Combine(_run.Output, ReportWriter.FileName)));
    }

    [Theory]
    [InlineData(100, 100)]
    [InlineData(100, 1)]
    [InlineData(1, 100)]
    [InlineData(0, 100)]
    [InlineData(3, 2)]
    public void Scenes_are_drawn_evenly_from_right_and_wrong_where_there_are_enough(int right, int wrong)
    {
        var answers = MultipleChoiceScores(right, wrong);
        var chosen = GallerySection.Choose(answers);
        Assert.Equal(Math.Min(8, right + wrong), chosen.Count);
        Assert.Equal(chosen.Count, chosen.Distinct().Count());
        if (right >= 4 && wrong >= 4)
        {
            Assert.Equal(4, chosen.Count(answer => answer.IsCorrect));
        }
    }

    public void Dispose() => _run.Dispose();

    private static int Count(string text, string part) => Regex.Count(text, Regex.Escape(part));

    private static AnswerRecord[] MultipleChoiceScores(int right, int wrong) => [.. Enumerable.Range(0, right + wrong).Select(i => new AnswerRecord
    {
        Suite = "mleBench",
        Index = i,
        Image = "",
        Question = "",
        Choices = ["a", "b"],
        Answer = 0,
        SubTask = "existence_0-30",
        Prompt = "",
        Output = "",
        Chosen = i < right ? 0 : 1,
    })];
}
