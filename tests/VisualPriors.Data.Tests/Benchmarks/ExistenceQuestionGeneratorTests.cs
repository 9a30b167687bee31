using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.Drawings;
using VisualPriors.Data.Scenes;
using VisualPriors.Data.Tests.Drawings;

namespace VisualPriors.Data.Tests.Benchmarks;

public sealed class ExistenceQuestionGeneratorTests : IDisposable
{
    private const int Draws = 40_000;

    private readonly DrawingCatalogue _catalogue = TestCatalogue.Create([.. Houses.All]);
    private readonly ScenePools _pools;

    public ExistenceQuestionGeneratorTests() => _pools = new ScenePools(_catalogue, Houses.Training);

    public void Dispose() => _catalogue.Dispose();

    [Fact]
    public void Every_thing_is_a_target_once_for_three_times_a_distractor()
    {
        // In each bucket by itself: large scenes are of few things, so over all buckets a thing's share says nothing.
        foreach (var bucket in SizeBuckets.All)
        {
            var generator = new ExistenceQuestionGenerator(_pools, 11);
            var targets = new int[_catalogue.Things.Count];
            var appearances = new int[_catalogue.Things.Count];
            for (var i = 0; i < Draws; i++)
            {
                var question = generator.At(i, bucket);
                targets[question.Scene.Thing]++;
                foreach (var option in question.Options)
                {
                    appearances[option]++;
                }
            }

            var offered = Enumerable.Range(0, targets.Length).Where(t => appearances[t] > 0).ToArray();
            var chiSquare = offered.Sum(t =>
            {
                var expected = appearances[t] / 4.0;
                return Math.Pow(targets[t] - expected, 2) / (expected * 0.75);
            });

            // About as many degrees of freedom as things: mean n, deviation sqrt(2n).
            Assert.True(offered.Length >= 8);
            Assert.InRange(chiSquare, 0, offered.Length + (5 * Math.Sqrt(2 * offered.Length)));
        }
    }

    [Fact]
    public void A_blind_guesser_who_has_studied_the_training_questions_has_one_chance_in_four()
    {
        var training = new ExistenceQuestionGenerator(_pools, 1);
        var test = new ExistenceQuestionGenerator(new ScenePools(_catalogue, [Houses.Test]), 2);

        // Knows how often each thing was right, alone and against each other thing, and how often each position was.
        var wins = new double[_catalogue.Things.Count, _catalogue.Things.Count];
        var positions = new double[4];
        for (var i = 0; i < Draws; i++)
        {
            var question = training.At(i);
            positions[question.Answer]++;
            foreach (var other in question.Options)
            {
                wins[question.Scene.Thing, other]++;
            }
        }

        var right = 0;
        for (var i = 0; i < Draws; i++)
        {
            var question = test.At(i);
            var guess = Enumerable.Range(0, 4).MaxBy(o =>
                question.Options.Sum(other => wins[question.Options[o], other] / (wins[question.Options[o], other] + wins[other, question.Options[o]] + 1))
                + (positions[o] / Draws));
            right += guess == question.Answer ? 1 : 0;
        }

        // Five standard deviations of a share of 40,000 at one in four.
        Assert.InRange(right / (double)Draws, 0.25 - 0.011, 0.25 + 0.011);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(731)]
    [InlineData(1861)]
    public void Right_answers_stand_at_each_position_equally_often_to_within_one(int count)
    {
        var generator = new ExistenceQuestionGenerator(_pools, 3);

        var counts = Enumerable.Range(0, count).GroupBy(i => generator.At(i).Answer).Select(g => g.Count()).ToArray();

        Assert.Equal(4, counts.Length);
        Assert.InRange(counts.Max() - counts.Min(), 0, 1);
    }

    [Fact]
    public void Options_are_four_things_of_the_pool_that_nobody_confuses_and_the_answer_is_the_scenes()
    {
        var things = TestCatalogue.Create([.. Houses.All]).Things.ToArray();
        things[1] = things[1] with { Name = "green apple" };
        things[3] = things[3] with { Subcategory = things[4].Subcategory };
        var drawings = Houses.All.Select(h => things.Select((_, i) => TestCatalogue.Shape(h, i)).ToArray()).ToArray();
        using var catalogue = DrawingCatalogue.FromDrawings(things, drawings);
        var pools = new ScenePools(catalogue, [House.Google]);
        var generator = new ExistenceQuestionGenerator(pools, 4);
        var seen = new HashSet<int>();

        for (var i = 0; i < 3000; i++)
        {
            var question = generator.At(i);
            Assert.Equal(question.Scene.Thing, question.Options[question.Answer]);
            Assert.Equal(4, question.Options.Distinct().Count());
            Assert.All(question.Options, o => Assert.Contains(o, pools[House.Google, question.Scene.Bucket]));
            Assert.False(question.Options.Contains(0) && question.Options.Contains(1), "two apples");
            Assert.False(question.Options.Contains(3) && question.Options.Contains(4), "two of a subcategory");
            seen.UnionWith(question.Options);
        }

        Assert.Equal(things.Length, seen.Count);
    }

    [Fact]
    public void A_question_depends_on_seed_and_index_alone()
    {
        var first = new ExistenceQuestionGenerator(_pools, 5);
        var second = new ExistenceQuestionGenerator(_pools, 5);
        var other = new ExistenceQuestionGenerator(_pools, 6);
        _ = Enumerable.Range(0, 50).Select(i => second.At(i)).ToArray();

        Assert.Equivalent(first.At(99), second.At(99), strict: true);
        Assert.NotEqual(
            Enumerable.Range(0, 50).Select(i => first.At(i).Scene.Seed), Enumerable.Range(0, 50).Select(i => other.At(i).Scene.Seed));
    }

    [Fact]
    public void Wordings_are_the_papers()
    {
        var generator = new ExistenceQuestionGenerator(_pools, 8);

        Assert.Equal(
            [
                "Which of the following appears in the image?",
                "Which of the following can be seen in the image?",
                "Which of the following is in the image?",
            ],
            Enumerable.Range(0, 200).Select(i => generator.At(i).Question).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_pool_of_look_alikes_ends_in_an_error_and_not_in_a_loop()
    {
        var things = TestCatalogue.Create(House.Google).Things.Select(t => t with { Subcategory = "same" }).ToArray();
        using var catalogue = DrawingCatalogue.FromDrawings(things, [[], [.. things.Select((_, i) => TestCatalogue.Shape(House.Google, i))], []]);
        var generator = new ExistenceQuestionGenerator(new ScenePools(catalogue, [House.Google]), 1);

        Assert.Throws<InvalidOperationException>(() => generator.At(0));
    }
}
