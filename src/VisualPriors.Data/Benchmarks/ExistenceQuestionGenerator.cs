using VisualPriors.Data.Drawings;
using VisualPriors.Data.Scenes;

namespace VisualPriors.Data.Benchmarks;

/// <summary>A four-choice question about which thing a scene shows.</summary>
/// <param name="Scene">The scene; its thing is the answer.</param>
/// <param name="Question">The wording.</param>
/// <param name="Options">Four things, by index in the catalogue.</param>
/// <param name="Answer">Which of them is in the scene.</param>
public sealed record ExistenceQuestion(ScenePlan Scene, string Question, IReadOnlyList<int> Options, int Answer);

/// <summary>
/// Makes existence questions that nobody can answer without the image. Four things are drawn first, each alike likely, and only then one
/// of the four becomes the target; so whatever is known of the options, each is the answer with one chance in four. Positions are dealt
/// in shuffled fours, so A to D are right equally often to within one.
/// <para>
/// The paper has a language model remove distractors that mean the same as something in the image. Here no two of the four may share a
/// significant word of their names, nor a subcategory, which keeps out "cow" beside "ox" and "bird" beside "parrot". The rule is
/// symmetric, so it does not disturb the chances.
/// </para>
/// </summary>
public sealed class ExistenceQuestionGenerator
{
    /// <summary>Options of a question.</summary>
    public const int OptionCount = 4;

    private const ulong QuestionStream = 2;
    private const ulong PositionStream = 3;

    /// <summary>The paper's three wordings (paper.md 4.3).</summary>
    private static readonly string[] Wordings =
    [
        "Which of the following appears in the image?",
        "Which of the following is in the image?",
        "Which of the following can be seen in the image?",
    ];

    private readonly ScenePools _pools;
    private readonly long _seed;
    private readonly IReadOnlySet<string>[] _words;

    /// <summary>A generator whose question <c>index</c> is a pure function of (seed, index).</summary>
    public ExistenceQuestionGenerator(ScenePools pools, long seed)
    {
        _pools = pools;
        _seed = seed;
        _words = [.. pools.Catalogue.Things.Select(t => EnglishNames.SignificantWords(t.Name))];
    }

    /// <summary>The question at an index, about a scene of a bucket that the index decides, in MLE-Bench's shares.</summary>
    public ExistenceQuestion At(long index)
    {
        var random = new SeededRandom(SeededRandom.Derive(_seed, QuestionStream, index));
        return At(index, SceneSampler.RandomBucket(ref random), ref random);
    }

    /// <summary>The question at an index, about a scene of a given bucket.</summary>
    public ExistenceQuestion At(long index, SizeBucket bucket)
    {
        var random = new SeededRandom(SeededRandom.Derive(_seed, QuestionStream, index));
        return At(index, bucket, ref random);
    }

    private ExistenceQuestion At(long index, SizeBucket bucket, ref SeededRandom random)
    {
        var house = _pools.Houses[random.Below(_pools.Houses.Count)];
        var options = DrawOptions(_pools[house, bucket], ref random);
        var target = options[random.Below(OptionCount)];
        random.Shuffle(options.AsSpan());
        var answer = PositionAt(index);
        var found = Array.IndexOf(options, target);
        (options[answer], options[found]) = (options[found], options[answer]);
        var wording = Wordings[random.Below(Wordings.Length)];
        return new ExistenceQuestion(new ScenePlan(target, house, bucket, random.NextBits()), wording, options, answer);
    }

    /// <summary>Every four questions in a row have their answers at the four positions, in a random order.</summary>
    private int PositionAt(long index)
    {
        Span<int> positions = [0, 1, 2, 3];
        var random = new SeededRandom(SeededRandom.Derive(_seed, PositionStream, index / OptionCount));
        random.Shuffle(positions);
        return positions[(int)(index % OptionCount)];
    }

    private int[] DrawOptions(IReadOnlyList<int> pool, ref SeededRandom random)
    {
        // Far more than is ever needed among hundreds of things; a tiny pool of look-alikes must not loop for ever.
        const int Tries = 1000;
        var options = new int[OptionCount];
        var count = 0;
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var candidate = pool[random.Below(pool.Count)];
            if (MayConfuse(options.AsSpan(0, count), candidate))
            {
                continue;
            }

            options[count++] = candidate;
            if (count == OptionCount)
            {
                return options;
            }
        }

        throw new InvalidOperationException($"Among {pool.Count} things no four can be told apart by name and subcategory.");
    }

    private bool MayConfuse(ReadOnlySpan<int> chosen, int candidate)
    {
        foreach (var other in chosen)
        {
            if (_words[other].Overlaps(_words[candidate])
                || _pools.Catalogue.Things[other].Subcategory == _pools.Catalogue.Things[candidate].Subcategory)
            {
                return true;
            }
        }

        return false;
    }
}
