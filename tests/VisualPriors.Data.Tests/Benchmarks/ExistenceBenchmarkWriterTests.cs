using System.Text.Json;
using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.Drawings;
using VisualPriors.Data.Scenes;
using VisualPriors.Data.Tests.Drawings;
using VisualPriors.Data.Tests.Text;

namespace VisualPriors.Data.Tests.Benchmarks;

public sealed class ExistenceBenchmarkWriterTests : IDisposable
{
    private static readonly int[] Counts = [40, 30, 20];

    private readonly TemporaryFolder _folder = new();

    // Drawings of the training houses are not even there.
    private readonly DrawingCatalogue _catalogue = TestCatalogue.Create(Houses.Test);

    public void Dispose()
    {
        _catalogue.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_papers_counts_make_1861_questions()
    {
        Assert.Equal([732, 698, 431], ExistenceBenchmarkWriter.PaperCounts);
        Assert.Equal(1861, ExistenceBenchmarkWriter.PaperCounts.Sum());
    }

    [Fact]
    public void What_is_written_is_read_back_with_the_counts_asked_for()
    {
        ExistenceBenchmarkWriter.Write(_catalogue, Counts, 1, _folder.Path("bench"), CancellationToken.None);
        var dataset = MultipleChoiceDataset.Open(_folder.Path("bench"));
        dataset.Validate(CancellationToken.None);

        Assert.Equal(90, dataset.Questions.Count);
        Assert.Equal(Counts, SizeBuckets.All.Select(b => dataset.Questions.Count(q => q.SubTask == SizeBuckets.SubTaskOf(b))));
        Assert.Equal(Enumerable.Range(0, 90), dataset.Questions.Select(q => q.Index));
        var positions = dataset.Questions.GroupBy(q => q.Answer).Select(g => g.Count()).ToArray();
        Assert.InRange(positions.Max() - positions.Min(), 0, 1);

        // Mixed, not one bucket after the other.
        Assert.Equal(3, dataset.Questions.Take(20).Select(q => q.SubTask).Distinct().Count());
    }

    [Fact]
    public void Lines_have_the_public_files_fields_and_the_measured_coverage()
    {
        ExistenceBenchmarkWriter.Write(_catalogue, Counts, 1, _folder.Path("bench"), CancellationToken.None);

        foreach (var line in File.ReadLines(_folder.Path("bench/data.jsonl")))
        {
            using var document = JsonDocument.Parse(line);
            Assert.Equal(
                ["image", "question", "choices", "answer", "answer_text", "sub_task", "coverage"],
                document.RootElement.EnumerateObject().Select(p => p.Name));
            var bucket = SizeBuckets.All.Single(b => SizeBuckets.SubTaskOf(b) == document.RootElement.GetProperty("sub_task").GetString());
            var (low, high) = SizeBuckets.Range(bucket);
            Assert.InRange(document.RootElement.GetProperty("coverage").GetDouble(), low, high);
        }
    }

    [Fact]
    public void A_seed_gives_the_same_bytes_every_time_and_another_seed_others()
    {
        var first = ExistenceBenchmarkWriter.Write(_catalogue, Counts, 1, _folder.Path("a"), CancellationToken.None);
        var second = ExistenceBenchmarkWriter.Write(_catalogue, Counts, 1, _folder.Path("b"), CancellationToken.None);
        var other = ExistenceBenchmarkWriter.Write(_catalogue, Counts, 2, _folder.Path("c"), CancellationToken.None);

        Assert.Equal(first.Digest, second.Digest);
        Assert.NotEqual(first.Digest, other.Digest);
    }

    [Fact]
    public void Cancelling_leaves_nothing_behind()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(
            () => ExistenceBenchmarkWriter.Write(_catalogue, Counts, 1, _folder.Path("bench"), cancelled.Token));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Root));
    }
}
