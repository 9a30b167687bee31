using VisualPriors.Api.Plans;
using VisualPriors.Operator.Gangs;
using static VisualPriors.Operator.Tests.Runs.Observations;

namespace VisualPriors.Operator.Tests.Gangs;

public sealed class GangFailureTests
{
    [Fact]
    public void The_cause_outweighs_the_losses_of_a_peer_whatever_came_first()
    {
        var lost = End(Ended(4, rank: 0, outcome: Failure(StageResult.PeerLost, "a collective hung"), time: Now.AddSeconds(-9)));
        var cause = End(Ended(1, rank: 1, outcome: Failure(StageResult.Failed, "out of memory", rank: 5), time: Now));
        Assert.Same(cause, GangFailure.Find([lost, cause], othersActive: false, Now));

        var failure = GangFailure.Describe(cause, attempt: 2);
        Assert.Equal((2, "Failed", 5, cause.Pod, "node-1"), (failure.Attempt, failure.Reason, failure.Rank, failure.Pod, failure.Node));
        Assert.Equal("out of memory", failure.Message);
    }

    [Fact]
    public void A_loss_of_a_peer_alone_waits_for_its_cause_for_a_while()
    {
        var lost = End(Ended(4, time: Now));
        Assert.Null(GangFailure.Find([lost], othersActive: true, Now));
        Assert.Same(lost, GangFailure.Find([lost], othersActive: true, Now + GangFailure.AttributionPatience));
        Assert.Same(lost, GangFailure.Find([lost], othersActive: false, Now));
    }

    [Fact]
    public void Of_two_causes_the_earlier_counts()
    {
        var late = End(Ended(1, rank: 0, time: Now));
        var early = End(Ended(3, rank: 1, time: Now.AddSeconds(-2)));
        Assert.Same(early, GangFailure.Find([late, early], othersActive: false, Now));
    }

    [Fact]
    public void A_pod_that_was_killed_for_its_memory_says_so()
    {
        var failure = GangFailure.Describe(End(Ended(137, reason: "OOMKilled")), attempt: 1);
        Assert.Equal(("OutOfMemory", "SIGKILL"), (failure.Reason, failure.Signal));
    }

    [Fact]
    public void An_evicted_pod_that_never_ran_is_tried_again()
    {
        var pod = Pod(1, 0, "Failed");
        pod.Status.Reason = "Evicted";
        pod.Status.Message = "The node was low on resource: memory.";
        var end = End(pod);
        Assert.True(GangFailure.IsRetryable(end));
        Assert.Equal(("Evicted", "The node was low on resource: memory."), (GangFailure.Describe(end, 1).Reason, GangFailure.Describe(end, 1).Message));
    }

    private static PodEnd End(k8s.Models.V1Pod pod) => PodState.End(pod)!;
}
