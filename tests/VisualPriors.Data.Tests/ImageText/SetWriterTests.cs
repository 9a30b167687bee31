using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.Drawings;
using VisualPriors.Data.ImageText;
using VisualPriors.Data.Scenes;
using VisualPriors.Data.Tests.Drawings;
using VisualPriors.Data.Tests.Text;

namespace VisualPriors.Data.Tests.ImageText;

public sealed class SetWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // The test house's drawings are not even there.
    private readonly DrawingCatalogue _catalogue = TestCatalogue.Create([.. Houses.Training]);

    public void Dispose()
    {
        _catalogue.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Captions_name_what_the_scene_shows()
    {
        CaptionSetWriter.Write(_catalogue, 60, 3, _folder.Path("captions"), CancellationToken.None);
        using var dataset = ImageTextDataset.Open(_folder.Path("captions"));
        dataset.Validate(CancellationToken.None);
        var sampler = new SceneSampler(new ScenePools(_catalogue, Houses.Training), 3);

        Assert.Equal(60, dataset.Count);
        for (var i = 0; i < dataset.Count; i++)
        {
            var sample = dataset[i];
            Assert.Equal([true, false], sample.Turns.Select(t => t.FromHuman));
            Assert.Equal(ImageTextSample.ImagePlaceholder, sample.Turns[0].Text);
            Assert.Contains(_catalogue.Things[sampler.PlanAt(i).Thing].Name, sample.Turns[1].Text, StringComparison.Ordinal);
            Assert.True(File.Exists(sample.ImagePath));
        }

        Assert.StartsWith(
            """{"id":"caption-000000","image":"images/000000.png","conversations":[{"from":"human","value":"<image>"},{"from":"gpt","value":""",
            File.ReadLines(_folder.Path("captions/data.jsonl")).First(),
            StringComparison.Ordinal);
        Assert.True(Enumerable.Range(0, 60).Select(i => dataset[i].Turns[1].Text).Distinct().Count() > 40);
    }

    [Fact]
    public void Instructions_hold_choices_open_questions_conversations_and_language_in_their_shares()
    {
        const int Count = 600;
        InstructionSetWriter.Write(_catalogue, Count, 4, _folder.Path("instructions"), CancellationToken.None);
        using var dataset = ImageTextDataset.Open(_folder.Path("instructions"));
        var samples = Enumerable.Range(0, Count).Select(i => dataset[i]).ToArray();
        var names = _catalogue.Things.Select(t => t.Name).ToHashSet();

        var choices = samples.Where(s => s.Turns[0].Text.Contains("\nA. ", StringComparison.Ordinal)).ToArray();
        Assert.InRange(choices.Length / (double)Count, 0.6, 0.8);
        Assert.All(choices, s =>
        {
            var lines = s.Turns[0].Text.Split('\n');
            var options = lines[2..6].Select(l => l[3..]).ToArray();
            Assert.Equal(ImageTextSample.ImagePlaceholder, lines[0]);
            Assert.Equal(MultipleChoicePrompt.Render(lines[1], options), string.Join('\n', lines[1..]));
            Assert.Contains(s.Turns[1].Text, options);
            Assert.NotNull(s.ImagePath);
        });

        var language = samples.Where(s => s.ImagePath is null).ToArray();
        Assert.InRange(language.Length / (double)Count, 0.05, 0.15);
        Assert.All(language, s => Assert.DoesNotContain(ImageTextSample.ImagePlaceholder, s.Turns[0].Text, StringComparison.Ordinal));

        Assert.DoesNotContain(language, s => s.Turns[0].Text.EndsWith("a plant or food?", StringComparison.Ordinal));
        Assert.Contains(language, s => s.Turns[0].Text.Contains(" or ", StringComparison.Ordinal));

        var open = samples.Except(choices).Except(language).ToArray();
        Assert.All(open, s => Assert.StartsWith(ImageTextSample.ImagePlaceholder + "\n", s.Turns[0].Text, StringComparison.Ordinal));
        Assert.Contains(open, s => names.Contains(s.Turns[1].Text));
        Assert.Contains(open, s => s.Turns.Count == 4 && names.Contains(s.Turns[1].Text) && !names.Contains(s.Turns[3].Text));
    }

    [Fact]
    public void Instructions_ask_about_other_scenes_than_another_seeds_questions()
    {
        InstructionSetWriter.Write(_catalogue, 50, 4, _folder.Path("a"), CancellationToken.None);
        InstructionSetWriter.Write(_catalogue, 50, 5, _folder.Path("b"), CancellationToken.None);

        Assert.NotEqual(File.ReadAllText(_folder.Path("a/data.jsonl")), File.ReadAllText(_folder.Path("b/data.jsonl")));
    }

    [Fact]
    public void A_seed_gives_the_same_bytes_every_time()
    {
        Assert.Equal(
            CaptionSetWriter.Write(_catalogue, 30, 3, _folder.Path("a"), CancellationToken.None).Digest,
            CaptionSetWriter.Write(_catalogue, 30, 3, _folder.Path("b"), CancellationToken.None).Digest);
        Assert.Equal(
            InstructionSetWriter.Write(_catalogue, 30, 3, _folder.Path("c"), CancellationToken.None).Digest,
            InstructionSetWriter.Write(_catalogue, 30, 3, _folder.Path("d"), CancellationToken.None).Digest);
    }
}
