using System.Runtime.InteropServices;
using System.Text;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Tokenization;

/// <summary>
/// Trains byte-level byte pair encoding (Sennrich et al. 2016): beginning from single bytes, the most frequent neighbouring pair of
/// tokens becomes a token, again and again. Counts are kept up to date pair by pair instead of counting anew, and a heap with lazy
/// updates finds the most frequent one.
/// </summary>
public static class BytePairTrainer
{
    /// <summary>Longer words (runs of letters or signs) teach nothing and are left out of the counts, so that none can take long.</summary>
    private const int MaximumWordCharacters = 256;

    /// <summary>A pair that occurs once is no pattern.</summary>
    private const long MinimumCount = 2;

    /// <summary>
    /// Learns a vocabulary. Ids: 0 and 1 are begin and end of text, the 256 bytes follow, then the merges' results in the order they
    /// were learned. The result depends on the texts alone, not on their order or on the number of threads: of equally frequent pairs
    /// the one with the smaller ids is taken.
    /// </summary>
    /// <param name="texts">Texts to learn from; enumerated once.</param>
    /// <param name="vocabularySize">Size of the vocabulary, the special tokens and the 256 bytes among them.</param>
    /// <param name="cancellationToken">Ends the training early.</param>
    /// <exception cref="InvalidInputException">The texts hold too few patterns for that many tokens.</exception>
    public static TrainedTokenizer Train(IEnumerable<string> texts, int vocabularySize, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, TrainedTokenizer.FirstMerge);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(vocabularySize, 1 << 20);
        var training = new Training(CountWords(texts, cancellationToken));
        return training.Run(vocabularySize, cancellationToken);
    }

    private static Dictionary<string, long> CountWords(IEnumerable<string> texts, CancellationToken cancellationToken)
    {
        var total = new Dictionary<string, long>(StringComparer.Ordinal);
        Parallel.ForEach(
            texts,
            new ParallelOptions { CancellationToken = cancellationToken },
            () => new Dictionary<string, long>(StringComparer.Ordinal),
            (text, state, counts) =>
            {
                var bySpan = counts.GetAlternateLookup<ReadOnlySpan<char>>();
                foreach (var match in PreTokenization.Llama3Regex().EnumerateMatches(text))
                {
                    if (match.Length <= MaximumWordCharacters)
                    {
                        CollectionsMarshal.GetValueRefOrAddDefault(bySpan, text.AsSpan(match.Index, match.Length), out _)++;
                    }
                }

                return counts;
            },
            counts =>
            {
                lock (total)
                {
                    foreach (var (word, count) in counts)
                    {
                        CollectionsMarshal.GetValueRefOrAddDefault(total, word, out _) += count;
                    }
                }
            });
        return total;
    }

    /// <summary>Two neighbouring tokens.</summary>
    private readonly record struct Pair(int Left, int Right);

    /// <summary>The most frequent pair first; of equally frequent ones the smaller.</summary>
    private readonly record struct Priority(long Count, Pair Pair) : IComparable<Priority>
    {
        public int CompareTo(Priority other) =>
            Count != other.Count ? other.Count.CompareTo(Count)
            : Pair.Left != other.Pair.Left ? Pair.Left.CompareTo(other.Pair.Left)
            : Pair.Right.CompareTo(other.Pair.Right);
    }

    private struct Word
    {
        public int[] Tokens;
        public int Length;
        public long Count;
    }

    private sealed class Training
    {
        private readonly Word[] _words;
        private readonly Dictionary<Pair, long> _counts = [];

        /// <summary>Words that held a pair at some time; some may have lost it since.</summary>
        private readonly Dictionary<Pair, List<int>> _where = [];
        private readonly PriorityQueue<Pair, Priority> _queue = new();

        /// <summary>What the merge in progress changes.</summary>
        private readonly Dictionary<Pair, long> _changes = [];

        public Training(Dictionary<string, long> words)
        {
            _words = new Word[words.Count];
            var index = 0;
            foreach (var (text, count) in words)
            {
                var bytes = Encoding.UTF8.GetBytes(text);
                var tokens = new int[bytes.Length];
                for (var i = 0; i < bytes.Length; i++)
                {
                    tokens[i] = TrainedTokenizer.FirstByte + bytes[i];
                }

                _words[index] = new Word { Tokens = tokens, Length = tokens.Length, Count = count };
                CountPairs(_words[index], +1);
                Remember(_words[index], index);
                index++;
            }

            Apply();
        }

        public TrainedTokenizer Run(int vocabularySize, CancellationToken cancellationToken)
        {
            var tokens = new List<byte[]>(vocabularySize);
            tokens.AddRange(TrainedTokenizer.FirstTokens());
            var ids = tokens.Index().Skip(TrainedTokenizer.FirstByte).ToDictionary(entry => ByteAlphabet.Write(entry.Item), entry => entry.Index);
            var merges = new List<(int Left, int Right)>();
            while (tokens.Count < vocabularySize)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!TryTakeMostFrequent(out var pair))
                {
                    throw new InvalidInputException(
                        "tokenizer training text", null, $"repeated patterns for only {tokens.Count} tokens", $"text for {vocabularySize} tokens");
                }

                byte[] merged = [.. tokens[pair.Left], .. tokens[pair.Right]];
                var name = ByteAlphabet.Write(merged);

                // Two different pairs may spell the same token: it keeps its id.
                if (!ids.TryGetValue(name, out var id))
                {
                    id = tokens.Count;
                    ids.Add(name, id);
                    tokens.Add(merged);
                }

                merges.Add((pair.Left, pair.Right));
                Merge(pair, id);
            }

            return new TrainedTokenizer(tokens, merges);
        }

        private bool TryTakeMostFrequent(out Pair pair)
        {
            while (_queue.TryDequeue(out pair, out var priority))
            {
                var count = _counts.GetValueOrDefault(pair);
                if (count == priority.Count)
                {
                    return true;
                }

                if (count >= MinimumCount)
                {
                    _queue.Enqueue(pair, new Priority(count, pair));
                }
            }

            return false;
        }

        private void Merge(Pair pair, int id)
        {
            _where.Remove(pair, out var indices);
            foreach (var index in indices!)
            {
                ref var word = ref _words[index];
                if (!Contains(word, pair))
                {
                    continue;
                }

                CountPairs(word, -1);
                Replace(ref word, pair, id);
                CountPairs(word, +1);
                RememberAround(word, index, id);
            }

            Apply();
        }

        private static bool Contains(in Word word, Pair pair)
        {
            for (var i = 1; i < word.Length; i++)
            {
                if (word.Tokens[i - 1] == pair.Left && word.Tokens[i] == pair.Right)
                {
                    return true;
                }
            }

            return false;
        }

        private static void Replace(ref Word word, Pair pair, int id)
        {
            var length = 0;
            for (var i = 0; i < word.Length; i++)
            {
                if (i + 1 < word.Length && word.Tokens[i] == pair.Left && word.Tokens[i + 1] == pair.Right)
                {
                    word.Tokens[length++] = id;
                    i++;
                }
                else
                {
                    word.Tokens[length++] = word.Tokens[i];
                }
            }

            word.Length = length;
        }

        private void CountPairs(in Word word, int sign)
        {
            for (var i = 1; i < word.Length; i++)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_changes, new Pair(word.Tokens[i - 1], word.Tokens[i]), out _) += sign * word.Count;
            }
        }

        private void Remember(in Word word, int index)
        {
            for (var i = 1; i < word.Length; i++)
            {
                Remember(new Pair(word.Tokens[i - 1], word.Tokens[i]), index);
            }
        }

        private void RememberAround(in Word word, int index, int id)
        {
            for (var i = 1; i < word.Length; i++)
            {
                if (word.Tokens[i - 1] == id || word.Tokens[i] == id)
                {
                    Remember(new Pair(word.Tokens[i - 1], word.Tokens[i]), index);
                }
            }
        }

        private void Remember(Pair pair, int index)
        {
            ref var indices = ref CollectionsMarshal.GetValueRefOrAddDefault(_where, pair, out _);
            indices ??= [];
            if (indices.Count == 0 || indices[^1] != index)
            {
                indices.Add(index);
            }
        }

        /// <summary>Takes the changes over. Only pairs that became more frequent are queued: a lowered count is noticed when it comes up.</summary>
        private void Apply()
        {
            foreach (var (pair, change) in _changes)
            {
                if (change == 0)
                {
                    continue;
                }

                ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _);
                count += change;
                if (change > 0 && count >= MinimumCount)
                {
                    _queue.Enqueue(pair, new Priority(count, pair));
                }
                else if (count == 0)
                {
                    _counts.Remove(pair);
                }
            }

            _changes.Clear();
        }
    }
}
