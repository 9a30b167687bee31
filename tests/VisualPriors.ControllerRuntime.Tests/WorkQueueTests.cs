using VisualPriors.KubernetesTesting;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>The queue under a clock that only the test moves.</summary>
public sealed class WorkQueueTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _time = new();
    private readonly WorkQueue<string> _queue;

    public WorkQueueTests() => _queue = New(0.5);

    [Fact]
    public void A_key_added_often_is_worked_on_once()
    {
        _queue.Add("a");
        _queue.Add("b");
        _queue.Add("a");

        Assert.Equal(["a", "b"], TakeAll());
    }

    [Fact]
    public void A_key_is_never_with_two_workers_and_comes_back_once_if_added_meanwhile()
    {
        _queue.Add("a");
        Assert.Equal("a", Take());
        _queue.Add("a");
        _queue.Add("a");

        Assert.Null(Take());
        _queue.Done("a");
        Assert.Equal("a", Take());
        _queue.Done("a");
        Assert.Null(Take());
    }

    [Fact]
    public void What_happened_goes_before_what_was_listed()
    {
        _queue.Add("listed-1", WorkPriority.Low);
        _queue.Add("listed-2", WorkPriority.Low);
        _queue.Add("edited");
        _queue.Add("listed-2");

        Assert.Equal(["edited", "listed-2", "listed-1"], TakeAll());
    }

    [Fact]
    public void A_listing_does_not_make_an_edit_wait()
    {
        _queue.Add("edited");
        _queue.Add("listed", WorkPriority.Low);
        _queue.Add("edited", WorkPriority.Low);

        var first = TakeItem()!.Value;
        Assert.Equal(("edited", WorkPriority.High), (first.Key, first.Priority));
    }

    [Fact]
    public void Edits_do_not_starve_what_was_listed()
    {
        _queue.Add("listed", WorkPriority.Low);
        var before = 0;
        while (before < 100)
        {
            _queue.Add($"edit-{before}");
            var key = Take()!;
            _queue.Done(key);
            if (key == "listed")
            {
                break;
            }
            before++;
        }

        Assert.Equal(8, before);
    }

    [Fact]
    public void A_key_that_was_made_urgent_and_done_can_be_listed_again()
    {
        _queue.Add("a", WorkPriority.Low);
        _queue.Add("a");
        Assert.Equal(["a"], TakeAll());
        _queue.Add("a", WorkPriority.Low);

        Assert.Equal(["a"], TakeAll());
        Assert.Equal(0, _queue.Count);
    }

    [Fact]
    public void A_delayed_key_comes_at_its_time_the_earliest_of_several()
    {
        _queue.AddAfter("late", 10 * Second);
        _queue.AddAfter("a", 5 * Second);
        _queue.AddAfter("a", 3 * Second);
        _queue.AddAfter("a", 4 * Second);

        _time.Advance(TimeSpan.FromMilliseconds(2999));
        Assert.Null(Take());
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["a"], TakeAll());
        _time.Advance(6 * Second);
        Assert.Null(Take());
        _time.Advance(Second);
        Assert.Equal(["late"], TakeAll());
        Assert.Equal(0, _queue.DelayedCount);
    }

    [Fact]
    public void Taking_a_key_forgets_when_it_was_to_come_again()
    {
        _queue.AddAfter("a", 3 * Second);
        _queue.Add("a");
        Assert.Equal(["a"], TakeAll());

        _time.Advance(10 * Second);
        Assert.Null(Take());
    }

    [Fact]
    public void A_key_that_falls_due_while_worked_on_comes_back_afterwards()
    {
        _queue.Add("a");
        Take();
        _queue.AddAfter("a", Second);
        _time.Advance(Second);

        Assert.Null(Take());
        _queue.Done("a");
        Assert.Equal("a", Take());
    }

    [Fact]
    public void Many_delayed_keys_need_one_timer()
    {
        for (var i = 0; i < 1000; i++)
        {
            _queue.AddAfter($"key-{i}", (1 + (i % 7)) * Second);
        }

        Assert.Equal(1, _time.PendingTimers);
        _time.Advance(7 * Second);
        Assert.Equal(1000, TakeAll().Count);
        Assert.Equal(0, _time.PendingTimers);
    }

    [Fact]
    public void Failures_are_retried_ever_later_up_to_the_maximum_and_without_end()
    {
        var waits = Enumerable.Range(0, 200).Select(_ => _queue.AddRateLimited("a")).ToList();

        Assert.Equal([5, 10, 20, 40], waits.Take(4).Select(wait => wait.TotalMilliseconds));
        Assert.Equal(TimeSpan.FromMinutes(5), waits[^1]);
        Assert.Equal(waits.Order(), waits);
        Assert.Equal(5, _queue.AddRateLimited("other").TotalMilliseconds);
        _queue.Forget("a");
        Assert.Equal(5, _queue.AddRateLimited("a").TotalMilliseconds);
    }

    [Fact]
    public void Retries_are_spread_by_a_fifth_either_way_and_bounded_by_a_ceiling()
    {
        using var early = New(0);
        using var late = New(1);

        Assert.Equal(4, early.AddRateLimited("a").TotalMilliseconds);
        Assert.Equal(6, late.AddRateLimited("a").TotalMilliseconds, precision: 6);
        Assert.Equal(Second, Enumerable.Range(0, 30).Select(_ => late.AddRateLimited("a", Second)).ToList()[^1]);
    }

    [Fact]
    public void How_long_a_key_waited_is_known()
    {
        _queue.Add("a");
        _time.Advance(3 * Second);

        Assert.Equal(3 * Second, TakeItem()!.Value.Waited);
    }

    [Fact]
    public async Task Shutting_down_wakes_the_workers_and_takes_nothing_more()
    {
        var waiting = _queue.TakeAsync().AsTask();
        _queue.AddAfter("late", Second);
        _queue.ShutDown();

        Assert.Null(await waiting);
        _queue.Add("a");
        _time.Advance(2 * Second);
        Assert.Null(await _queue.TakeAsync());
        Assert.Equal(0, _queue.Count);
    }

    [Fact]
    public async Task With_many_workers_no_key_is_lost_doubled_or_shared()
    {
        using var queue = new WorkQueue<int>(new ControllerOptions { Name = "many" }, TimeProvider.System);
        var busy = new int[50];
        var seen = new int[50];
        var shared = 0;
        var added = new int[50];
        var workers = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (await queue.TakeAsync() is { } item)
            {
                if (Interlocked.Increment(ref busy[item.Key]) > 1)
                {
                    Interlocked.Increment(ref shared);
                }
                // What was added before now is seen now.
                Volatile.Write(ref seen[item.Key], Volatile.Read(ref added[item.Key]));
                await Task.Yield();
                Interlocked.Decrement(ref busy[item.Key]);
                queue.Done(item.Key);
            }
        })).ToList();
        for (var i = 0; i < 20_000; i++)
        {
            var key = Random.Shared.Next(50);
            Interlocked.Increment(ref added[key]);
            queue.Add(key, i % 3 == 0 ? WorkPriority.Low : WorkPriority.High);
        }

        await Eventually.HoldsAsync(() => seen.SequenceEqual(added), "the last change of each key to be seen");
        queue.ShutDown();
        await Task.WhenAll(workers);
        Assert.Equal(0, shared);
    }

    public void Dispose() => _queue.Dispose();

    private WorkQueue<string> New(double random) => new(new ControllerOptions { Name = "test" }, _time, () => random);

    private WorkItem<string>? TakeItem()
    {
        // A worker that went on waiting would take a later key.
        using var now = new CancellationTokenSource();
        var taken = _queue.TakeAsync(now.Token).AsTask();
        now.Cancel();
        return taken.IsCompletedSuccessfully ? taken.Result : null;
    }

    private string? Take() => TakeItem()?.Key;

    private List<string> TakeAll()
    {
        var keys = new List<string>();
        while (Take() is { } key)
        {
            keys.Add(key);
            _queue.Done(key);
        }
        return keys;
    }
}
