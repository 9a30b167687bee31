using System.Net;
using k8s.Models;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>One elector with the real server, under a clock that only the test moves.</summary>
public sealed class LeaderElectorTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task One_failed_renewal_and_one_lost_answer_cost_nothing()
    {
        await using var setup = await Setup.StartAsync();
        await setup.LeadAsync();
        var before = setup.Renewals;

        setup.Faults.Answer = request => request.Method == HttpMethod.Put ? FaultHandler.Status(HttpStatusCode.InternalServerError, "InternalError") : null;
        await setup.AdvanceUntilAsync(() => setup.Renewals > before, 3 * Second);
        setup.Faults.Answer = _ => null;
        setup.Faults.LoseAnswer = request => request.Method == HttpMethod.Put;
        var failed = setup.Renewals;
        await setup.AdvanceUntilAsync(() => setup.Renewals > failed, 3 * Second);
        setup.Faults.LoseAnswer = _ => false;

        // Well beyond the deadline, counted from the last renewal that was known to have succeeded.
        await setup.AdvanceAsync(20 * Second);
        Assert.True(setup.Elector.IsLeader);
        Assert.False(setup.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task Leadership_ends_at_the_deadline_when_no_renewal_succeeds()
    {
        await using var setup = await Setup.StartAsync();
        await setup.LeadAsync();
        setup.Faults.Answer = _ => FaultHandler.Status(HttpStatusCode.InternalServerError, "InternalError");

        await setup.AdvanceAsync(9.9 * Second);
        Assert.True(setup.Elector.IsLeader);
        setup.Time.Advance(0.1 * Second);

        Assert.False(setup.Elector.IsLeader);
        var lost = await Assert.ThrowsAsync<LeadershipLostException>(() => setup.Run.Task.WaitAsync(45 * Second));
        Assert.Contains("not renewed", lost.Message, StringComparison.Ordinal);
        Assert.True(setup.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task Renewals_that_hang_are_given_up_in_time_for_others()
    {
        await using var setup = await Setup.StartAsync();
        await setup.LeadAsync();
        var hung = 0;
        setup.Faults.Hang = request => request.Method == HttpMethod.Put && hung++ == 0;

        await setup.AdvanceAsync(30 * Second);

        Assert.True(hung > 1, "another renewal followed");
        Assert.True(setup.Elector.IsLeader);
    }

    [Fact]
    public async Task A_lease_that_another_took_is_lost_at_once()
    {
        await using var setup = await Setup.StartAsync();
        await setup.LeadAsync();
        await setup.Leases.PatchJsonAsync(setup.Space, "leader", [new("replace", "/spec/holderIdentity", "thief")]);

        await setup.AdvanceUntilAsync(() => setup.Lost.IsCancellationRequested, 3 * Second);

        var lost = await Assert.ThrowsAsync<LeadershipLostException>(() => setup.Run.Task.WaitAsync(45 * Second));
        Assert.Contains("thief", lost.Message, StringComparison.Ordinal);
        Assert.Equal("thief", (await setup.Leases.GetAsync(setup.Space, "leader"))!.Spec.HolderIdentity);
    }

    [Fact]
    public async Task The_lease_is_kept_while_work_ends_then_given_back_and_taken_at_the_next_look()
    {
        await using var setup = await Setup.StartAsync();
        await setup.LeadAsync();
        var standby = new LeaderElector(setup.Connection, setup.Options with { Identity = "standby" }, Make.Log<LeaderElector>());
        var taken = new TaskCompletionSource();
        await using var waiting = Running.Start(stop => standby.RunAsync(_ => Task.FromResult(taken.TrySetResult()), stop));
        await setup.AdvanceAsync(2 * Second);

        var stopping = setup.Run.StopAsync();
        await setup.AdvanceAsync(30 * Second);
        Assert.True(setup.Elector.IsLeader);
        Assert.False(taken.Task.IsCompleted);
        setup.WorkEnds.SetResult();
        await stopping;

        Assert.Equal("", (await setup.Leases.GetAsync(setup.Space, "leader"))!.Spec.HolderIdentity ?? "");
        Assert.False(setup.Elector.IsLeader);
        await setup.AdvanceUntilAsync(() => taken.Task.IsCompleted, setup.Options.PollPeriod);
    }

    [Fact]
    public async Task Work_that_fails_gives_the_lease_back_too()
    {
        await using var setup = await Setup.StartAsync();
        await setup.LeadAsync();
        setup.WorkEnds.SetException(new InvalidOperationException("broken"));

        await Assert.ThrowsAsync<InvalidOperationException>(() => setup.Run.Task);

        Assert.Equal("", (await setup.Leases.GetAsync(setup.Space, "leader"))!.Spec.HolderIdentity ?? "");
    }

    [Theory]
    [InlineData(null, 0, true)]
    [InlineData("", 0, true)]
    [InlineData("us", 0, true)]
    [InlineData("them", 15, false)]
    [InlineData("them", 15.1, true)]
    public void A_lease_may_be_taken_when_it_is_free_ours_or_silent_for_its_time(string? holder, double unchanged, bool expected) =>
        Assert.Equal(expected, LeaseRules.MayTake(
            new V1LeaseSpec { HolderIdentity = holder, LeaseDurationSeconds = 15 }, "us", TimeSpan.FromSeconds(unchanged)));

    [Fact]
    public async Task Times_that_cannot_work_are_refused()
    {
        await using var setup = await Setup.StartAsync();

        Assert.Throws<ArgumentException>(() => new LeaderElector(setup.Connection, setup.Options with { RenewDeadline = 15 * Second }, Make.Log<LeaderElector>()));
        Assert.Throws<ArgumentException>(() => new LeaderElector(setup.Connection, setup.Options with { RenewPeriod = 10 * Second }, Make.Log<LeaderElector>()));
    }

    private sealed class Setup : IAsyncDisposable
    {
        private readonly TaskCompletionSource<CancellationToken> _leading = new();
        private readonly KubernetesConnection _direct;

        private Setup(TestApiServer server, string space)
        {
            Space = space;
            Connection = KubernetesConnection.CreateWith(server.Configuration(), [Faults], Time);
            _direct = KubernetesConnection.Create(server.Configuration());
            Leases = new(_direct);
            Options = new() { Namespace = space, Name = "leader", Identity = "us" };
            Elector = new(Connection, Options, Make.Log<LeaderElector>());
            Run = Running.Start(stop => Elector.RunAsync(
                async lost =>
                {
                    _leading.SetResult(lost);
                    await WorkEnds.Task.WaitAsync(lost);
                },
                stop));
        }

        public string Space { get; }

        public ManualTimeProvider Time { get; } = new();

        public FaultHandler Faults { get; } = new();

        public KubernetesConnection Connection { get; }

        public ResourceClient<V1Lease> Leases { get; }

        public LeaderElectionOptions Options { get; }

        public LeaderElector Elector { get; }

        public Running Run { get; }

        public TaskCompletionSource WorkEnds { get; } = new();

        public CancellationToken Lost { get; private set; }

        public int Renewals => Faults.Seen.Count(request => request.Method == HttpMethod.Put);

        public static async Task<Setup> StartAsync()
        {
            var server = await SharedServer.GetAsync();
            return new(server, await server.CreateNamespaceAsync());
        }

        public async Task LeadAsync() => Lost = await _leading.Task.WaitAsync(TimeSpan.FromSeconds(45));

        /// <summary>Moves the clock in small steps; real requests get real time to be answered in between.</summary>
        public async Task AdvanceAsync(TimeSpan by)
        {
            for (var left = by; left > TimeSpan.Zero; left -= 0.25 * Second)
            {
                await SettleAsync();
                Time.Advance(left < 0.25 * Second ? left : 0.25 * Second);
            }
            await SettleAsync();
        }

        public async Task AdvanceUntilAsync(Func<bool> condition, TimeSpan most)
        {
            for (var left = most; !condition() && left > TimeSpan.Zero; left -= 0.25 * Second)
            {
                Time.Advance(0.25 * Second);
                await SettleAsync();
            }
            await Eventually.HoldsAsync(condition, $"something to happen within {most}");
        }

        public async ValueTask DisposeAsync()
        {
            WorkEnds.TrySetResult();
            try
            {
                await Run.DisposeAsync();
            }
            catch (InvalidOperationException)
            {
                // The test that makes the work fail has seen it.
            }
            Connection.Dispose();
            _direct.Dispose();
            Faults.Dispose();
        }

        /// <summary>Waits until no request is under way, hung ones left out: the virtual clock must not overtake the real server.</summary>
        private async Task SettleAsync()
        {
            for (var quiet = 0; quiet < 3; quiet = Faults.UnderWay == 0 ? quiet + 1 : 0)
            {
                await Task.Delay(2);
            }
        }
    }
}
