using k8s.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Gangs;
using VisualPriors.Operator.Progress;
using VisualPriors.Operator.Progress.Authentication;
using static VisualPriors.Operator.Tests.Runs.Observations;

namespace VisualPriors.Operator.Tests.Progress;

public sealed class ProgressTests
{
    private static readonly PodIdentity Identity = new("team", "pretrain-decoder-2-0", "pod-2-0");

    [Theory]
    [InlineData(20, 100, 1.4, false)]
    [InlineData(20, 100, 1.5, true)]
    [InlineData(100, 100, 0.1, true)]           // done: it may be the last that is heard
    [InlineData(20, 20, 0.1, true)]
    [InlineData(10, 10, 0.1, false)]            // no step further
    public void A_run_is_heard_every_half_interval_and_when_it_is_done(long step, long total, double seconds, bool expected)
    {
        var before = (new ProgressReport { Phase = "training", Step = 10, TotalSteps = 100 }, Now);
        var report = new ProgressReport { Phase = "saving", Step = step, TotalSteps = total };
        Assert.Equal(expected, ReportRate.Allows(report, before, Now.AddSeconds(seconds), TimeSpan.FromSeconds(3)));
        Assert.True(ReportRate.Allows(report, null, Now, TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public void The_first_pod_of_the_current_attempt_may_report()
    {
        var run = Entity(attempt: 2);
        Assert.Equal((run, 2), ReportAdmission.Admit(Identity, Owned(), key => key == Key ? run : null));
    }

    [Fact]
    public void Nobody_else_may()
    {
        var run = Entity(attempt: 2);
        RunEntity? Find(RunKey key) => key == Key ? run : null;
        Assert.Null(ReportAdmission.Admit(Identity, null, Find));                                                     // the pod is gone
        Assert.Null(ReportAdmission.Admit(Identity with { Uid = "another" }, Owned(), Find));                         // one of its name came after it
        Assert.Null(ReportAdmission.Admit(Identity, Owned(), _ => null));                                             // the run is gone
        Assert.Null(ReportAdmission.Admit(Identity, Owned(), key => Entity(attempt: 3)));                             // of an earlier attempt
        Assert.Null(ReportAdmission.Admit(Identity, Owned(owner: "another"), Find));                                  // labels alone are no proof
        Assert.Null(ReportAdmission.Admit(Identity with { Name = "stranger" }, Owned(), Find));
        Assert.Null(ReportAdmission.Admit(new PodIdentity("team", "pretrain-decoder-2-1", "pod-2-1"), Owned(rank: 1), Find));
        Assert.Null(ReportAdmission.Admit(Identity with { Namespace = "other" }, Owned(), Find));
    }

    [Fact]
    public void A_token_counts_for_our_audience_and_a_pod_only()
    {
        Assert.Equal(new PodIdentity("team", "p", "u"), TokenReviewVerifier.PodOf(Review()));
        Assert.Null(TokenReviewVerifier.PodOf(Review(authenticated: false)));
        Assert.Null(TokenReviewVerifier.PodOf(Review(audience: null)));
        Assert.Null(TokenReviewVerifier.PodOf(Review(audience: "https://kubernetes.default.svc")));
        Assert.Null(TokenReviewVerifier.PodOf(Review(user: "someone")));
        Assert.Null(TokenReviewVerifier.PodOf(Review(pod: null)));
    }

    [Theory]
    [InlineData(10, 20, 100, 10, "1m20s")]      // ten steps in ten seconds, eighty to go
    [InlineData(0, 10, 100, 60, "9m00s")]
    [InlineData(0, 1, 1001, 36, "10h00m")]
    [InlineData(0, 1, 1001, 3600, "41d16h")]
    [InlineData(5, 5, 100, 10, null)]           // no pace yet
    [InlineData(0, 99, 100, 99, "1s")]
    [InlineData(0, 100, 100, 10, null)]         // nothing left
    public void Time_left_follows_the_pace_of_the_attempt(long first, long step, long total, int seconds, string? expected)
    {
        var report = new ProgressReport { Phase = "training", Step = step, TotalSteps = total };
        Assert.Equal(expected, ProgressBuilder.Build(report, 1, null, (first, Now), Now.AddSeconds(seconds)).Eta);
    }

    [Fact]
    public void What_a_report_leaves_out_stays_within_an_attempt()
    {
        var first = ProgressBuilder.Build(new ProgressReport { Phase = "training", Step = 4, TotalSteps = 9, Loss = 3.14159, CheckpointStep = 2 }, 1, null, (0, Now), Now.AddSeconds(4));
        Assert.Equal(("4/9", "3.1416", Now.AddSeconds(4)), (first.Steps, first.Loss, first.CheckpointTime));
        var second = ProgressBuilder.Build(new ProgressReport { Phase = "saving", Step = 9, TotalSteps = 9, CheckpointStep = 2 }, 1, first, (9, Now), Now.AddSeconds(8));
        Assert.Equal(("3.1416", Now.AddSeconds(4)), (second.Loss, second.CheckpointTime));
        Assert.Null(ProgressBuilder.Build(new ProgressReport { Phase = "loading", Step = 0, TotalSteps = 0 }, 2, first, (0, Now), Now).Loss);
    }

    private static PretrainRunEntity Entity(int attempt) => new()
    {
        Metadata = new V1ObjectMeta { Name = "decoder", NamespaceProperty = "team", Uid = "run" },
        Status = new RunStatus { Attempt = attempt },
    };

    private static V1Pod Owned(int rank = 0, string owner = "run")
    {
        var pod = Pod(2, rank, "Running");
        pod.Metadata.Labels[GangNames.Kind] = "PretrainRun";
        pod.Metadata.Labels[GangNames.Run] = "decoder";
        pod.Metadata.OwnerReferences = [new V1OwnerReference { Uid = owner, Controller = true }];
        return pod;
    }

    private static V1TokenReviewStatus Review(
        bool authenticated = true, string? audience = TrainerContract.ReportAudience, string user = "system:serviceaccount:team:default", string? pod = "p") => new()
        {
            Authenticated = authenticated,
            Audiences = audience is null ? null : [audience],
            User = new V1UserInfo
            {
                Username = user,
                Extra = pod is null
                    ? []
                    : new Dictionary<string, IList<string>> { ["authentication.kubernetes.io/pod-name"] = [pod], ["authentication.kubernetes.io/pod-uid"] = ["u"] },
            },
        };
}
