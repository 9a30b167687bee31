using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Runs;
using VisualPriors.Operator.Runs.Policies;
using static VisualPriors.Operator.Tests.Runs.Observations;

namespace VisualPriors.Operator.Tests.Runs;

public sealed class RunPolicyTests
{
    [Fact]
    public void A_run_starts_when_nothing_speaks_against_it()
    {
        var decision = Start(Of(Pretrain()));
        Assert.Equal(new CreateGang(1), Assert.Single(decision.Actions));
        Assert.Equal((Digest, RunPhase.Starting, 1, Now), (decision.Status.StageDigest, decision.Status.Phase, decision.Status.Attempt, decision.Status.StartTime));
        Assert.Equal(3, decision.Status.ObservedGeneration);
        Assert.True(IsTrue(decision, ConditionTypes.Accepted));
        Assert.False(IsTrue(decision, ConditionTypes.Running));
        Assert.Equal("AttemptStarted", Assert.Single(decision.Events).Reason);
    }

    [Fact]
    public void Pods_of_which_nothing_is_known_yet_give_no_news()
    {
        var started = Start(Of(Pretrain()));
        var followed = Decide(Of(Pretrain(), started.Status, Pod()))!;
        Assert.True(StatusComparison.Same(started.Status, followed.Status));
        Assert.Empty(followed.Events);
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData(-1, 0)]
    [InlineData(0, 1)]
    [InlineData(5000, 5001)]    // another replica's clock was ahead
    public void Each_attempt_s_time_is_later_than_the_one_s_before(int? milliseconds, int expected)
    {
        var before = milliseconds is { } offset ? Attempt(1) with { RetryTime = Now, AttemptTime = Ready.AttemptTime.AddMilliseconds(offset) } : new RunStatus();
        Assert.Equal(Ready.AttemptTime.AddMilliseconds(expected), Start(Of(Pretrain(), before)).Status.AttemptTime);
    }

    [Fact]
    public void A_gang_that_was_half_made_is_completed_in_the_same_attempt()
    {
        var o = Of(Pretrain(""", "compute": {"nodes": 2}"""), Attempt(1), Pod(1, 0));
        var decision = Start(o);
        Assert.Equal(new CreateGang(1), Assert.Single(decision.Actions));
        Assert.Equal(1, decision.Status.Attempt);
    }

    [Fact]
    public void A_run_whose_artifact_is_there_takes_it()
    {
        var artifact = new RunArtifact { Address = Address, Digest = "content", Reused = true };
        var decision = StartPolicy.Decide(Of(Pretrain(), new RunStatus { StageDigest = Digest }), Ready with { Finished = artifact });
        Assert.Equal((RunPhase.Succeeded, artifact), (decision.Status.Phase, decision.Status.Artifact));
        Assert.Empty(decision.Actions);

        var own = StartPolicy.Decide(
            Of(Pretrain(), Attempt(1) with { RetryTime = Now }), Ready with { Finished = artifact });
        Assert.False(own.Status.Artifact!.Reused);
    }

    [Fact]
    public void A_run_waits_for_another_that_computes_the_same()
    {
        var decision = StartPolicy.Decide(Of(Pretrain()), Ready with { Competitor = "PretrainRun team/other" });
        Assert.Equal((RunPhase.Waiting, "SameStage"), (decision.Status.Phase, Reason(decision, ConditionTypes.Queued)));
        Assert.Equal(Digest, decision.Status.StageDigest);
        Assert.Null(decision.Status.Attempt);
        Assert.Empty(decision.Actions);
        Assert.NotNull(decision.RequeueAfter);
    }

    [Fact]
    public void What_cannot_be_planned_is_said_and_looked_at_again()
    {
        var o = Of(Pretrain());
        var decision = StartPolicy.Decide(o, new NotPrepared("DataNotFound", "spec.data.corpus: ..."));
        Assert.Equal((RunPhase.Waiting, "DataNotFound"), (decision.Status.Phase, Reason(decision, ConditionTypes.Queued)));
        Assert.NotNull(decision.RequeueAfter);
        Assert.Single(decision.Events);

        // Said once, not at every look.
        Assert.Empty(StartPolicy.Decide(o with { Status = decision.Status }, new NotPrepared("DataNotFound", "spec.data.corpus: ...")).Events);
    }

    [Fact]
    public void Data_that_changed_under_a_run_holds_it()
    {
        var decision = StartPolicy.Decide(Of(Pretrain(), Attempt(1) with { RetryTime = Now }), Ready with { Digest = "another" });
        Assert.Equal("DataChanged", Reason(decision, ConditionTypes.Queued));
        Assert.Empty(decision.Actions);
        Assert.Equal(Digest, decision.Status.StageDigest);
    }

    [Fact]
    public void A_run_waits_for_its_upstream_and_fails_with_it()
    {
        var o = Of(Align());
        var missing = Decide(o)!;
        Assert.Equal((RunPhase.Waiting, "UpstreamNotFound"), (missing.Status.Phase, Reason(missing, ConditionTypes.Queued)));
        var waiting = Decide(o with { Upstream = new UpstreamObservation(RunPhase.Running, Digest, null) })!;
        Assert.Equal("WaitingForUpstream", Reason(waiting, ConditionTypes.Queued));
        Assert.Null(Decide(o with { Upstream = new UpstreamObservation(RunPhase.Succeeded, Digest, null) }));

        var failed = Decide(o with { Upstream = new UpstreamObservation(RunPhase.Failed, Digest, "the loss is not finite") })!;
        Assert.Equal((RunPhase.Failed, "UpstreamFailed"), (failed.Status.Phase, Reason(failed, ConditionTypes.Failed)));
        Assert.Contains("PretrainRun decoder failed: the loss is not finite", Message(failed, ConditionTypes.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public void A_spec_that_breaks_a_rule_is_refused_by_the_field_s_name()
    {
        var o = Of(Pretrain()) with { Run = null, Errors = [new InputError("PretrainRun team/decoder", "spec.training.tokens", "-1", "at least 0")] };
        var decision = Decide(o)!;
        Assert.False(IsTrue(decision, ConditionTypes.Accepted));
        Assert.Equal(RunPhase.Pending, decision.Status.Phase);
        Assert.Equal("spec.training.tokens: found -1, expected at least 0", Message(decision, ConditionTypes.Accepted));
        Assert.True(Assert.Single(decision.Events).IsWarning);
        Assert.Empty(Decide(o with { Status = decision.Status })!.Events);
    }

    [Fact]
    public void A_spec_that_is_changed_after_it_was_accepted_is_refused_and_taken_again_when_put_back()
    {
        var accepted = Start(Of(Pretrain())).Status;
        var changed = Decide(Of(Pretrain(""", "seed": 43"""), accepted))!;
        Assert.Equal("SpecImmutable", Reason(changed, ConditionTypes.Accepted));
        Assert.Null(Decide(Of(Pretrain(), changed.Status)));
        Assert.Null(Decide(Of(Pretrain(""", "ttlSecondsAfterFinished": 5, "failurePolicy": {"maximumRestarts": 9}"""), accepted)));
    }

    [Fact]
    public void A_suspended_run_ends_its_pods_and_goes_on_with_a_new_attempt()
    {
        var pods = new[] { Pod(1, 0, "Running"), Pod(1, 1, "Running").Ending(Now) };
        var suspended = Decide(Of(Pretrain(""", "suspend": true, "compute": {"nodes": 2}"""), Attempt(1, isRunning: true), pods))!;
        Assert.Equal(RunPhase.Suspended, suspended.Status.Phase);
        Assert.Equal([pods[0].Metadata.Name], Assert.IsType<DeletePods>(Assert.Single(suspended.Actions)).Names);
        Assert.False(IsTrue(suspended, ConditionTypes.Running));

        var run = Pretrain(""", "compute": {"nodes": 2}""");
        Assert.Null(Decide(Of(run, suspended.Status, pods)));
        Assert.DoesNotContain(Start(Of(run, suspended.Status, pods)).Actions, action => action is CreateGang);
        var resumed = Start(Of(run, suspended.Status));
        Assert.Equal(new CreateGang(2), Assert.Single(resumed.Actions));
        Assert.False(IsTrue(resumed, ConditionTypes.Suspended));
        Assert.Equal(0, resumed.Status.Restarts);
    }

    [Fact]
    public void Pods_are_followed_from_scheduling_to_running()
    {
        var run = Pretrain(""", "compute": {"nodes": 2}""");
        var pending = Decide(Of(run, Attempt(1), Pod(1, 0), Pod(1, 1, "Pending", node: "n")))!;
        Assert.False(IsTrue(pending, ConditionTypes.Scheduled));
        var scheduled = Decide(Of(run, Attempt(1), Pod(1, 0, "Pending", node: "n"), Pod(1, 1, "Running")))!;
        Assert.True(IsTrue(scheduled, ConditionTypes.Scheduled));
        Assert.Equal(RunPhase.Starting, scheduled.Status.Phase);
        var running = Decide(Of(run, scheduled.Status, Pod(1, 0, "Running"), Pod(1, 1, "Running")))!;
        Assert.Equal(RunPhase.Running, running.Status.Phase);
        Assert.Equal("Running", Assert.Single(running.Events).Reason);
        Assert.Empty(Decide(Of(run, running.Status, Pod(1, 0, "Running"), Pod(1, 1, "Running")))!.Events);
    }

    [Fact]
    public void What_keeps_a_pod_from_starting_is_said()
    {
        var pod = Pod(1, 0);
        pod.Status.Conditions = [new k8s.Models.V1PodCondition { Type = "PodScheduled", Status = "False", Reason = "Unschedulable", Message = "0/3 nodes: no GPU" }];
        var decision = Decide(Of(Pretrain(), Attempt(1), pod))!;
        Assert.Equal(("Unschedulable", "0/3 nodes: no GPU"), (Reason(decision, ConditionTypes.Scheduled), Message(decision, ConditionTypes.Scheduled)));
        Assert.True(Assert.Single(decision.Events).IsWarning);
    }

    [Fact]
    public void The_first_node_s_success_is_the_run_s()
    {
        var run = Pretrain(""", "compute": {"nodes": 2}""");
        var decision = Decide(Of(run, Attempt(1, isRunning: true), Ended(0, outcome: Success), Pod(1, 1, "Running")))!;
        Assert.Equal(RunPhase.Succeeded, decision.Status.Phase);
        Assert.Equal((Address, "content", "1.23457"), (decision.Status.Artifact!.Address, decision.Status.Artifact.Digest, decision.Status.Artifact.Results!["finalLoss"]));
        Assert.Equal(Now, decision.Status.CompletionTime);
        Assert.False(IsTrue(decision, ConditionTypes.Running));

        // Another node's alone is not.
        var other = Decide(Of(run, Attempt(1, isRunning: true), Ended(0, rank: 1, outcome: Success), Pod(1, 0, "Running")))!;
        Assert.NotEqual(RunPhase.Succeeded, other.Status.Phase);
    }

    [Theory]
    [InlineData(1, true)]      // failed
    [InlineData(4, true)]      // peer lost
    [InlineData(130, true)]    // interrupted: the node is drained
    [InlineData(137, true)]    // killed
    [InlineData(2, false)]     // wrong input
    [InlineData(3, false)]     // diverged
    [InlineData(5, false)]     // fenced
    public void A_failed_attempt_is_followed_by_another_where_that_may_help(int exitCode, bool isRetried)
    {
        var decision = Decide(Of(Pretrain(), Attempt(1, isRunning: true), Ended(exitCode)))!;
        Assert.Equal(isRetried ? RunPhase.Starting : RunPhase.Failed, decision.Status.Phase);
        Assert.Equal(isRetried ? 1 : 0, decision.Status.Restarts);
        Assert.Equal(isRetried ? Now.AddSeconds(10) : null, decision.Status.RetryTime);
        Assert.Equal(exitCode, decision.Status.Failure!.ExitCode);
        Assert.True(Assert.Single(decision.Events).IsWarning);
    }

    [Fact]
    public void A_run_that_used_up_its_restarts_fails()
    {
        var decision = Decide(Of(Pretrain(), Attempt(4, isRunning: true, restarts: 3), Ended(1, attempt: 4)))!;
        Assert.Equal((RunPhase.Failed, "TooManyRestarts"), (decision.Status.Phase, Reason(decision, ConditionTypes.Failed)));
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(1, 20)]
    [InlineData(5, 300)]
    public void The_wait_before_another_attempt_doubles_up_to_five_minutes(int restarts, int seconds)
    {
        var run = Pretrain(""", "failurePolicy": {"maximumRestarts": 100}""");
        Assert.Equal(Now.AddSeconds(seconds), Decide(Of(run, Attempt(1, true, restarts), Ended(1)))!.Status.RetryTime);
    }

    [Fact]
    public void Another_attempt_waits_for_its_time_and_for_the_last_pod_of_the_one_before()
    {
        var status = Attempt(1, isRunning: false, restarts: 1) with { RetryTime = Now.AddSeconds(7) };
        var early = Start(Of(Pretrain(), status));
        Assert.Equal(TimeSpan.FromSeconds(7), early.RequeueAfter);
        Assert.Empty(early.Actions);

        var due = status with { RetryTime = Now };
        var occupied = Start(Of(Pretrain(), due, Ended(1)));
        Assert.Equal([Pod().Metadata.Name], Assert.IsType<DeletePods>(Assert.Single(occupied.Actions)).Names);
        Assert.Empty(Start(Of(Pretrain(), due, Pod(1, 0, "Running").Ending(Now))).Actions);

        var next = Start(Of(Pretrain(), due));
        Assert.Equal(new CreateGang(2), Assert.Single(next.Actions));
        Assert.Null(next.Status.RetryTime);
    }

    [Fact]
    public void A_pod_whose_node_does_not_answer_is_deleted_by_force()
    {
        var status = Attempt(1) with { RetryTime = Now };
        var decision = Start(Of(Pretrain(), status, Pod(1, 0, "Running").Ending(Now.AddSeconds(-61))));
        Assert.True(Assert.IsType<DeletePods>(Assert.Single(decision.Actions)).IsForced);
    }

    [Fact]
    public void A_pod_that_vanishes_while_it_runs_fails_the_attempt()
    {
        var run = Pretrain(""", "compute": {"nodes": 2}""");
        var decision = Decide(Of(run, Attempt(1, isRunning: true), Pod(1, 0, "Running")))!;
        Assert.Equal(("PodLost", Pod(1, 1).Metadata.Name), (decision.Status.Failure!.Reason, decision.Status.Failure.Pod));
        Assert.Equal([Pod(1, 0).Metadata.Name], Assert.IsType<DeletePods>(Assert.Single(decision.Actions)).Names);
    }

    [Fact]
    public void A_pod_of_another_attempt_does_not_count()
    {
        Assert.Null(Decide(Of(Pretrain(), Attempt(2), Ended(1, attempt: 1))));
        Assert.Null(Decide(Of(Pretrain(), Attempt(2), Ended(0, attempt: 1, outcome: Success))));
    }

    [Fact]
    public void A_run_that_has_ended_stays_as_it_is()
    {
        var status = new RunStatus { Phase = RunPhase.Failed, CompletionTime = Now.AddSeconds(-10) };
        var decision = Decide(Of(Pretrain(), status, Pod(1, 0, "Running"), Ended(1, rank: 1)))!;
        Assert.Same(status, decision.Status);
        Assert.Equal([Pod(1, 0).Metadata.Name], Assert.IsType<DeletePods>(Assert.Single(decision.Actions)).Names);

        // After a success the other nodes may end by themselves first.
        Assert.Empty(Decide(Of(Pretrain(), status with { Phase = RunPhase.Succeeded }, Pod(1, 1, "Running")))!.Actions);
    }

    [Fact]
    public void A_run_goes_when_its_time_to_live_is_over()
    {
        var status = new RunStatus { Phase = RunPhase.Succeeded, CompletionTime = Now.AddSeconds(-10) };
        Assert.Equal(TimeSpan.FromSeconds(5), Decide(Of(Pretrain(""", "ttlSecondsAfterFinished": 15"""), status))!.RequeueAfter);
        Assert.IsType<DeleteRun>(Assert.Single(Decide(Of(Pretrain(""", "ttlSecondsAfterFinished": 10"""), status))!.Actions));
        Assert.Empty(Decide(Of(Pretrain(), status))!.Actions);
    }

    private static RunDecision? Decide(RunObservation o) => RunPolicy.Decide(o);

    private static RunDecision Start(RunObservation o)
    {
        Assert.Null(RunPolicy.Decide(o));
        return StartPolicy.Decide(o, Ready);
    }

    private static bool IsTrue(RunDecision decision, string type) => Conditions.IsTrue(decision.Status.Conditions, type);

    private static string? Reason(RunDecision decision, string type) => Conditions.Find(decision.Status.Conditions, type)?.Reason;

    private static string? Message(RunDecision decision, string type) => Conditions.Find(decision.Status.Conditions, type)?.Message;
}
