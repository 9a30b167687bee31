using System.Threading.Channels;

namespace VisualPriors.Training.Batches;

/// <summary>
/// Makes the batches of coming steps on a thread of its own, a few steps ahead, so that reading and decoding overlap with the model's
/// work. Order and content do not depend on timing: a step's batch is a pure function of the step.
/// </summary>
internal sealed class Prefetcher<TBatch> : IDisposable
{
    private const int StepsAhead = 3;
    private readonly Channel<TBatch> _channel = Channel.CreateBounded<TBatch>(StepsAhead);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _producer;

    /// <summary>Starts making batches.</summary>
    /// <param name="load">Makes the batch of a step.</param>
    /// <param name="first">The first step.</param>
    /// <param name="steps">How many.</param>
    public Prefetcher(Func<long, TBatch> load, long first, long steps)
    {
        _producer = Task.Run(() => ProduceAsync(load, first, steps, _stop.Token), CancellationToken.None);
    }

    /// <summary>The next step's batch.</summary>
    public TBatch Next(CancellationToken cancellationToken = default)
    {
        TBatch? batch;
        while (!_channel.Reader.TryRead(out batch))
        {
            // WaitToRead, unlike Read, throws a failed producer's own exception.
            if (!_channel.Reader.WaitToReadAsync(cancellationToken).AsTask().GetAwaiter().GetResult())
            {
                throw new InvalidOperationException("all steps were read already");
            }
        }

        return batch;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _producer.GetAwaiter().GetResult();
        _stop.Dispose();
    }

    private async Task ProduceAsync(Func<long, TBatch> load, long first, long steps, CancellationToken cancellationToken)
    {
        try
        {
            for (var step = first; step < first + steps; step++)
            {
                await _channel.Writer.WriteAsync(load(step), cancellationToken).ConfigureAwait(false);
            }

            _channel.Writer.Complete();
        }
        catch (Exception e)
        {
            // The reader sees the failure where it would have seen the batch.
            _channel.Writer.Complete(e);
        }
    }
}
