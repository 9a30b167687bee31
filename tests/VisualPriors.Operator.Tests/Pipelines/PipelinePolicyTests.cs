using System.Text.Json;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Pipelines;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Api.Resources.Status;
using VisualPriors.Operator.Pipelines;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Operator.Tests.Pipelines;

public sealed class PipelinePolicyTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly (string, string) Text = ("PretrainRun", "chain-text");
    private static readonly (string, string) Projector = ("AlignRun", "chain-projector");

    [Fact]
    public void Stages_are_made_one_after_the_other()
    {
        var first = Decide(Of(Chain()));
        Assert.Equal("chain-text", Assert.Single(first.Create).Metadata.Name);
        Assert.Equal((RunPhase.Starting, "0/2"), (first.Status.Phase, first.Status.Progress));

        var running = Decide(Of(Chain(), (Text, Run(RunPhase.Running))));
        Assert.Empty(running.Create);
        Assert.Equal(RunPhase.Running, running.Status.Phase);

        var second = Decide(Of(Chain(), (Text, Run(RunPhase.Succeeded))));
        var made = Assert.IsType<AlignRun>(Assert.Single(second.Create));
        Assert.Equal("chain-text", made.Spec.From.Name);
        Assert.Equal("1/2", second.Status.Progress);

        var done = Decide(Of(Chain(), (Text, Run(RunPhase.Succeeded)), (Projector, Run(RunPhase.Succeeded))));
        Assert.Equal((RunPhase.Succeeded, Now), (done.Status.Phase, done.Status.CompletionTime));
        Assert.Empty(done.Create);
    }

    [Theory]
    [InlineData("2.5", true)]
    [InlineData("2.51", false)]
    [InlineData("NaN", false)]
    [InlineData(null, false)]
    public void A_gate_that_is_missed_ends_the_pipeline(string? loss, bool isKept)
    {
        var results = loss is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["finalValidationLoss"] = loss };
        var decision = Decide(Of(Chain(), (Text, Run(RunPhase.Succeeded, results))));
        Assert.Equal(isKept ? RunPhase.Starting : RunPhase.Failed, decision.Status.Phase);
        Assert.Equal(isKept ? 1 : 0, decision.Create.Count);
        if (!isKept)
        {
            var failed = Conditions.Find(decision.Status.Conditions, ConditionTypes.Failed)!;
            Assert.Equal("GateFailed", failed.Reason);
            Assert.Contains("finalValidationLoss", failed.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_stage_that_fails_ends_the_pipeline_with_its_reason()
    {
        var failed = Run(RunPhase.Failed) with
        {
            Status = new RunStatus { Phase = RunPhase.Failed, Conditions = Conditions.With(null, ConditionTypes.Failed, true, "Diverged", "the loss is not finite", 1, Now) },
        };
        var decision = Decide(Of(Chain(), (Text, failed)));
        Assert.Equal(RunPhase.Failed, decision.Status.Phase);
        Assert.Contains("stage text failed: the loss is not finite", Conditions.Find(decision.Status.Conditions, ConditionTypes.Failed)!.Message, StringComparison.Ordinal);
        Assert.True(Assert.Single(decision.Events).IsWarning);
    }

    [Fact]
    public void A_run_that_is_not_the_pipeline_s_is_left_alone()
    {
        var decision = Decide(Of(Chain(), (Text, Run(RunPhase.Succeeded) with { IsOurs = false })));
        Assert.Equal("NameTaken", Conditions.Find(decision.Status.Conditions, ConditionTypes.Accepted)!.Reason);
        Assert.Empty(decision.Create);
    }

    [Fact]
    public void A_stage_that_is_changed_after_its_run_was_made_is_refused()
    {
        var chain = Chain();
        var digest = SpecDigest.Of(PipelineExpansion.Runs(chain)[0]);
        var made = Run(RunPhase.Running) with { Status = new RunStatus { Phase = RunPhase.Running, SpecDigest = digest } };
        Assert.True(Conditions.IsTrue(Decide(Of(chain, (Text, made))).Status.Conditions, ConditionTypes.Accepted));
        var changed = Decide(Of(Chain(tokens: 4096), (Text, made)));
        Assert.Equal("SpecImmutable", Conditions.Find(changed.Status.Conditions, ConditionTypes.Accepted)!.Reason);
    }

    [Fact]
    public void A_suspended_pipeline_holds_its_runs_and_makes_no_more()
    {
        var held = Decide(Of(Chain(suspend: true), (Text, Run(RunPhase.Running))));
        Assert.Equal("chain-text", Assert.Single(held.Suspend).Metadata.Name);
        Assert.Equal(RunPhase.Suspended, held.Status.Phase);
        Assert.Empty(Decide(Of(Chain(suspend: true))).Create);

        var resumed = Decide(Of(Chain(), (Text, Run(RunPhase.Suspended) with { IsSuspended = true })) with { Status = held.Status });
        Assert.False(Assert.Single(resumed.Suspend).Common.Suspend);
        Assert.False(Conditions.IsTrue(resumed.Status.Conditions, ConditionTypes.Suspended));
    }

    [Fact]
    public void A_pipeline_that_breaks_a_rule_says_which()
    {
        var o = Of(Chain()) with { Pipeline = null, Errors = [new InputError("Pipeline team/chain", "spec.stages", "nothing", "stages")] };
        Assert.Equal("spec.stages: found nothing, expected stages", Conditions.Find(Decide(o).Status.Conditions, ConditionTypes.Accepted)!.Message);
    }

    [Fact]
    public void A_pipeline_goes_when_its_time_to_live_is_over()
    {
        var status = new PipelineStatus { Phase = RunPhase.Failed, CompletionTime = Now.AddSeconds(-60) };
        Assert.True(Decide(Of(Chain(ttl: 60)) with { Status = status }).IsOver);
        Assert.False(Decide(Of(Chain(ttl: 61)) with { Status = status }).IsOver);
        Assert.False(Decide(Of(Chain()) with { Status = status }).IsOver);
    }

    private static PipelineDecision Decide(PipelineObservation o) => PipelinePolicy.Decide(o);

    private static PipelineObservation Of(Pipeline pipeline, params ((string, string) Key, RunOfStage Run)[] runs) => new()
    {
        Generation = 1,
        Pipeline = pipeline,
        Status = new PipelineStatus(),
        Runs = runs.ToDictionary(run => run.Key, run => run.Run),
        Now = Now,
    };

    private static RunOfStage Run(RunPhase phase, Dictionary<string, string>? results = null) => new(
        IsOurs: true, IsSuspended: false, IsEnding: false, new RunStatus
        {
            Phase = phase,
            Artifact = new RunArtifact { Address = "a", Digest = "d", Reused = false, Results = results ?? new Dictionary<string, string> { ["finalValidationLoss"] = "2" } },
        });

    private static Pipeline Chain(long tokens = 1024, bool suspend = false, int? ttl = null) => ResourceReader.ReadPipeline(
        new ObjectMeta { Name = "chain", Namespace = "team" },
        JsonDocument.Parse($$$$"""
        {
          "suspend": {{{{(suspend ? "true" : "false")}}}},
          {{{{(ttl is { } seconds ? $"\"ttlSecondsAfterFinished\": {seconds}," : "")}}}}
          "stages": [
            {"name": "projector", "align": {"from": {"kind": "PretrainRun", "name": "text"}, "visionEncoder": "encoder", "captions": "captions"}},
            {"name": "text", "gates": [{"score": "finalValidationLoss", "maximum": 2.5}],
             "pretrain": {"model": {"preset": "nano"}, "data": {"corpus": "corpus", "mixture": {"web": 1}},
                          "training": {"tokens": {{{{tokens}}}}, "sequenceLength": 16, "globalBatchSize": 4}}}
          ]
        }
        """).RootElement);
}
