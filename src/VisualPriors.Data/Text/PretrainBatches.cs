using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Text;

/// <summary>
/// The batches of pre-training as a pure function of (seed, step, slot): the same on any number of machines, and as quick to resume at
/// step a million as at step 0. Safe for use by several threads.
/// </summary>
/// <remarks>
/// Every source's training tokens are cut into windows of <c>sequenceLength + 1</c> tokens that overlap by one, so that each token is
/// predicted once. The schedule names a sample's source; the source's windows are walked in a shuffled order, shuffled anew for each
/// pass, that depends on seed, source name and pass alone: other sources and weights change nothing of it.
/// </remarks>
public sealed class PretrainBatches
{
    private readonly MixtureSchedule _schedule;
    private readonly int _sequenceLength;
    private readonly int _globalBatchSize;
    private readonly TokenStream?[] _tokens;
    private readonly long[] _windows;
    private readonly ulong[] _keys;

    /// <summary>Prepares the batches.</summary>
    /// <param name="corpus">The tokens.</param>
    /// <param name="schedule">The mixture.</param>
    /// <param name="sequenceLength">Tokens that a sample trains on, at least 1.</param>
    /// <param name="globalBatchSize">Samples per step, at least 1.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <param name="file">The file that names the mixture, to be named in errors.</param>
    /// <exception cref="InvalidInputException">The corpus lacks a source of the mixture, or one that is drawn from is shorter than a window.</exception>
    public PretrainBatches(TextCorpus corpus, MixtureSchedule schedule, int sequenceLength, int globalBatchSize, long seed, string file = "mixture")
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentOutOfRangeException.ThrowIfLessThan(sequenceLength, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(globalBatchSize, 1);
        _schedule = schedule;
        _sequenceLength = sequenceLength;
        _globalBatchSize = globalBatchSize;
        _tokens = new TokenStream?[schedule.Sources.Count];
        _windows = new long[schedule.Sources.Count];
        _keys = new ulong[schedule.Sources.Count];
        var indices = MixtureSources.Find(corpus, schedule, file);
        for (var source = 0; source < indices.Length; source++)
        {
            if (schedule.Weight(source) > 0)
            {
                _tokens[source] = corpus.Train(indices[source]);
                _windows[source] = MixtureSources.Windows(_tokens[source]!, sequenceLength, schedule.Sources[source], "training", file);
                _keys[source] = RandomBits.Mix(RandomBits.Mix((ulong)seed) ^ RandomBits.Of(schedule.Sources[source]));
            }
        }
    }

    /// <summary>Windows of a source: one pass over it.</summary>
    /// <param name="source">Index in the schedule's sources; 0 windows if its weight is zero.</param>
    public long Windows(int source) => _windows[source];

    /// <summary>Writes one sample's tokens. Allocates nothing.</summary>
    /// <param name="step">Optimizer step, counted from 0.</param>
    /// <param name="slot">Place in the global batch, from 0 below its size.</param>
    /// <param name="tokens"><c>sequenceLength + 1</c> ids: inputs are all but the last, targets all but the first.</param>
    /// <returns>The sample's source, as an index in the schedule's sources.</returns>
    public int Fill(long step, int slot, Span<long> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, _globalBatchSize);
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, _sequenceLength + 1, nameof(tokens));
        var (source, ordinal) = _schedule.At((step * _globalBatchSize) + slot);
        var (pass, place) = Math.DivRem(ordinal, _windows[source]);
        var window = Permutation.At(place, _windows[source], RandomBits.Mix(_keys[source] + (ulong)pass));
        _tokens[source]!.Read(window * _sequenceLength, tokens);
        return source;
    }
}
