using VisualPriors.Data.Benchmarks;
using VisualPriors.Data.Drawings;
using VisualPriors.Data.Scenes;
using VisualPriors.Storage;

namespace VisualPriors.Data.ImageText;

/// <summary>
/// Writes instructions for fine-tuning from scenes of the training houses' drawings: four-choice questions as in the benchmark (from
/// other drawings), open questions, conversations of two turns, and questions without an image.
/// </summary>
public static class InstructionSetWriter
{
    /// <summary>
    /// Shares of the samples, in hundredths. The paper fine-tunes on 1.5 of 3.5 million samples without images (paper.md 3) to keep
    /// language; a quickstart of a few minutes has to spend most of its samples on seeing.
    /// </summary>
    private const int ChoiceShare = 70, NameShare = 12, KindShare = 4, ConversationShare = 4;

    private const ulong InstructionStream = 6;

    private static readonly string[] NameQuestions =
        ["What is in the picture?", "What does the image show?", "Name the thing in the image.", "What can be seen here?"];

    /// <summary>What a member of the first group may be called too: herbs are plants and food, fish are animals and food.</summary>
    private static readonly HashSet<(string Right, string Wrong)> Arguable =
        [("an animal", "food"), ("a plant", "food"), ("food", "a plant")];

    private static readonly string[] KindQuestions = ["What kind of thing is this?", "What kind of thing is in the image?"];

    /// <summary>Composes scenes and publishes the artifact; the same arguments give the same bytes.</summary>
    /// <param name="catalogue">The drawings.</param>
    /// <param name="count">Samples.</param>
    /// <param name="seed">Decides everything; take another than for captions and benchmark.</param>
    /// <param name="outputDirectory">Where the artifact is to appear.</param>
    /// <param name="cancellationToken">Stops and leaves nothing behind.</param>
    public static Artifact Write(
        DrawingCatalogue catalogue, int count, long seed, string outputDirectory, CancellationToken cancellationToken)
    {
        var pools = new ScenePools(catalogue, Houses.Training);
        var sampler = new SceneSampler(pools, seed);
        var questions = new ExistenceQuestionGenerator(pools, seed);
        var sortable = catalogue.Things.Where(t => EnglishNames.GroupOf(t) is not null).ToArray();
        ImageTextSetWriter.Sample Make(int i)
        {
            var random = new SeededRandom(SeededRandom.Derive(seed, InstructionStream, i));
            var at = random.Below(100) - ChoiceShare;
            if (at < 0)
            {
                return Choice(catalogue, questions.At(i));
            }

            if (at >= NameShare + KindShare + ConversationShare)
            {
                return new ImageTextSetWriter.Sample(null, sortable.Length == 0 || random.Below(2) == 0
                    ? KindInWords(catalogue, ref random)
                    : GroupInWords(sortable, ref random));
            }

            var plan = sampler.PlanAt(i);
            var thing = catalogue.Things[plan.Thing];
            LlavaTurn[] name = [Ask(NameQuestions[random.Below(NameQuestions.Length)]), new(LlavaTurn.Model, thing.Name)];
            LlavaTurn[] kind = [Ask(KindQuestions[random.Below(KindQuestions.Length)]), new(LlavaTurn.Model, EnglishNames.KindOf(thing))];
            var turns = at < NameShare ? name : at < NameShare + KindShare ? kind : [.. name, .. kind];
            turns[0] = WithImage(turns[0].Value);
            return new ImageTextSetWriter.Sample(sampler.Compose(plan, jitter: true), turns);
        }

        return ImageTextSetWriter.Write("instruction", count, outputDirectory, Make, cancellationToken);
    }

    private static ImageTextSetWriter.Sample Choice(DrawingCatalogue catalogue, ExistenceQuestion question)
    {
        var choices = question.Options.Select(o => catalogue.Things[o].Name).ToArray();
        return new ImageTextSetWriter.Sample(
            SceneSampler.Compose(catalogue, question.Scene, jitter: true),
            [WithImage(MultipleChoicePrompt.Render(question.Question, choices)), new(LlavaTurn.Model, choices[question.Answer])]);
    }

    private static LlavaTurn[] KindInWords(DrawingCatalogue catalogue, ref SeededRandom random)
    {
        var thing = catalogue.Things[random.Below(catalogue.Things.Count)];
        return
        [
            Ask($"What kind of thing is {EnglishNames.WithArticle(thing.Name)}?"),
            new(LlavaTurn.Model, EnglishNames.KindOf(thing)),
        ];
    }

    private static LlavaTurn[] GroupInWords(Thing[] sortable, ref SeededRandom random)
    {
        var thing = sortable[random.Below(sortable.Length)];
        var right = EnglishNames.GroupOf(thing)!;
        var others = EnglishNames.Groups.Where(g => g != right && !Arguable.Contains((right, g))).ToArray();
        var wrong = others[random.Below(others.Length)];
        var (first, second) = random.Below(2) == 0 ? (right, wrong) : (wrong, right);
        var verb = EnglishNames.WithArticle(thing.Name) == thing.Name ? "Are" : "Is";
        return [Ask($"{verb} {EnglishNames.WithArticle(thing.Name)} {first} or {second}?"), new(LlavaTurn.Model, right)];
    }

    private static LlavaTurn Ask(string question) => new(LlavaTurn.Human, question);

    private static LlavaTurn WithImage(string question) => Ask($"{ImageTextSample.ImagePlaceholder}\n{question}");
}
