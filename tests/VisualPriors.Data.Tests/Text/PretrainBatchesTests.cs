using VisualPriors.Api.Errors;
using VisualPriors.Data.Text;

namespace VisualPriors.Data.Tests.Text;

public sealed class PretrainBatchesTests : IDisposable
{
    private const int Length = 8;
    private readonly TemporaryFolder _folder = new();
    private readonly TextCorpus _corpus;

    public PretrainBatchesTests()
    {
        _corpus = TextCorpus.Open(HandMadeCorpus.Write(_folder, new Dictionary<string, (int, int)>
        {
            ["code"] = (805, 50),
            ["math"] = (403, 50),
            ["tiny"] = (8, 8),
        }));
    }

    public void Dispose()
    {
        _corpus.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_sample_is_a_window_that_overlaps_the_next_by_one_token()
    {
        var batches = Batches(("code", 1m));
        var starts = Walk(batches, batches.Windows(0)).Select(sample => sample.Tokens[0]).ToList();

        // 805 tokens hold (805 - 1) / 8 = 100 windows; one pass takes each once.
        Assert.Equal(100, batches.Windows(0));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i * Length), starts.Order());
        Assert.All(Walk(batches, 300), sample => Assert.Equal(Enumerable.Range(0, Length + 1).Select(i => sample.Tokens[0] + i), sample.Tokens));
    }

    [Fact]
    public void Every_pass_takes_every_window_once_in_an_order_of_its_own()
    {
        var starts = Walk(Batches(("code", 1m)), 300).Select(sample => sample.Tokens[0]).Chunk(100).ToList();

        Assert.All(starts, pass => Assert.Equal(100, pass.Distinct().Count()));
        Assert.NotEqual(starts[0], starts[1]);
        Assert.NotEqual(starts[1], starts[2]);
        Assert.NotEqual(starts[0].Order(), starts[0]);
    }

    [Fact]
    public void Sources_come_as_the_schedule_says()
    {
        var schedule = Schedule(("code", 0.7m), ("math", 0.3m));
        var batches = new PretrainBatches(_corpus, schedule, Length, 4, 42);
        var tokens = new long[Length + 1];
        for (var sample = 0; sample < 400; sample++)
        {
            Assert.Equal(schedule.At(sample).Source, batches.Fill(sample / 4, sample % 4, tokens));
        }
    }

    [Fact]
    public void A_batch_depends_on_seed_step_and_slot_alone()
    {
        var forward = Walk(Batches(("code", 2m), ("math", 1m)), 200);
        var other = Batches(("code", 2m), ("math", 1m));
        var tokens = new long[Length + 1];
        for (var sample = 199; sample >= 0; sample--)
        {
            Assert.Equal(forward[sample].Source, other.Fill(sample / 4, sample % 4, tokens));
            Assert.Equal(forward[sample].Tokens, tokens);
        }

        Assert.NotEqual(forward.Select(s => s.Tokens), Walk(Batches(43, ("code", 2m), ("math", 1m)), 200).Select(s => s.Tokens));
    }

    [Fact]
    public void The_global_batch_size_only_groups_samples()
    {
        var schedule = Schedule(("code", 2m), ("math", 1m));
        var four = new PretrainBatches(_corpus, schedule, Length, 4, 42);
        var ten = new PretrainBatches(_corpus, schedule, Length, 10, 42);
        var (a, b) = (new long[Length + 1], new long[Length + 1]);
        for (var sample = 0; sample < 200; sample++)
        {
            Assert.Equal(four.Fill(sample / 4, sample % 4, a), ten.Fill(sample / 10, sample % 10, b));
            Assert.Equal(a, b);
        }
    }

    [Fact]
    public void A_sources_order_does_not_depend_on_the_other_sources()
    {
        var alone = Walk(Batches(("code", 1m)), 100).Select(sample => sample.Tokens);
        var mixed = Walk(Batches(("code", 1m), ("math", 3m)), 400).Where(sample => sample.Source == 0).Select(sample => sample.Tokens);

        Assert.Equal(alone, mixed);
    }

    [Fact]
    public void Filling_allocates_nothing()
    {
        var batches = Batches(("code", 2m), ("math", 1m));
        var tokens = new long[Length + 1];
        batches.Fill(0, 0, tokens);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var step = 0; step < 1000; step++)
        {
            batches.Fill(step, step % 4, tokens);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Wide_tokens_and_long_windows_are_read_whole()
    {
        using var folder = new TemporaryFolder();
        using var corpus = TextCorpus.Open(HandMadeCorpus.Write(folder, new Dictionary<string, (int, int)> { ["code"] = (100_001, 10) }, vocabularySize: 200_000));
        var batches = new PretrainBatches(corpus, Schedule(("code", 1m)), 50_000, 1, 42);
        var tokens = new long[50_001];
        batches.Fill(0, 0, tokens);

        Assert.Equal(Enumerable.Range(0, 50_001).Select(i => tokens[0] + i), tokens);
    }

    [Fact]
    public void A_source_that_the_corpus_lacks_is_refused()
    {
        var error = Assert.Throws<InvalidInputException>(
            () => new PretrainBatches(_corpus, Schedule(("code", 1m), ("law", 0m)), Length, 4, 42, "run.yaml")).Errors.Single();

        Assert.Equal(("run.yaml", "spec.data.mixture.law"), (error.File, error.Field));
        Assert.Contains("code, math, tiny", error.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_shorter_than_a_window_is_refused_if_it_is_drawn_from()
    {
        var error = Assert.Throws<InvalidInputException>(() => Batches(("code", 1m), ("tiny", 1m))).Errors.Single();

        Assert.Equal("spec.data.mixture.tiny", error.Field);
        Assert.Equal("a source with 8 training tokens", error.Found);
        Assert.Equal(0, Batches(("code", 1m), ("tiny", 0m)).Windows(1));
    }

    [Theory]
    [InlineData(-1, 0, Length + 1)]
    [InlineData(0, -1, Length + 1)]
    [InlineData(0, 4, Length + 1)]
    [InlineData(0, 0, Length)]
    public void Refuses_places_outside_the_batch(long step, int slot, int tokens)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Batches(("code", 1m)).Fill(step, slot, new long[tokens]));
    }

    private static MixtureSchedule Schedule(params (string Source, decimal Weight)[] weights) =>
        new(weights.ToDictionary(entry => entry.Source, entry => entry.Weight));

    private PretrainBatches Batches(params (string Source, decimal Weight)[] weights) => Batches(42, weights);

    private PretrainBatches Batches(long seed, params (string Source, decimal Weight)[] weights) =>
        new(_corpus, Schedule(weights), Length, 4, seed);

    private static List<(int Source, long[] Tokens)> Walk(PretrainBatches batches, long samples)
    {
        var walked = new List<(int Source, long[] Tokens)>();
        for (var sample = 0; sample < samples; sample++)
        {
            var tokens = new long[Length + 1];
            walked.Add((batches.Fill(sample / 4, sample % 4, tokens), tokens));
        }

        return walked;
    }
}
