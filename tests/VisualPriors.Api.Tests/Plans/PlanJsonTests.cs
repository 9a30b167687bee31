using System.Text.Json.Nodes;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Manifests;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Tests.Manifests;

namespace VisualPriors.Api.Tests.Plans;

public sealed class PlanJsonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_kind_of_plan_is_read_as_it_was_written()
    {
        var names = new[] { "corpus", "vision-encoder", "captions", "instructions", "mle-bench" };
        var manifest = ManifestReader.Read(_folder.Write("manifest.yaml", Chain.Of(Chain.Pretrain, Chain.Align, Chain.Sft, Chain.Eval)));

        foreach (var stage in StagePlanner.Plan(manifest.Runs, names.ToDictionary(name => name, name => new DataSet(name, name)), StagePlaces.InFolder("/out")))
        {
            var written = PlanJson.Write(stage.Plan);
            var read = PlanJson.Read(_folder.Write("plan.json", System.Text.Encoding.UTF8.GetString(written)));

            Assert.Equal(written, PlanJson.Write(read));
            Assert.Equal(stage.Digest, StageDigest.Of(read.Computation));
            Assert.IsType(stage.Plan.Computation.GetType(), read.Computation);
        }
    }

    [Fact]
    public void Another_version_is_refused() => Refused(plan => plan["version"] = 1, "version", "1");

    [Fact]
    public void A_version_that_is_missing_is_refused() => Refused(plan => plan.Remove("version"), "version", "nothing");

    [Fact]
    public void An_unknown_member_is_refused() => Refused(plan => plan["computation"]!["surprise"] = 1, "$.computation.surprise", "surprise");

    [Fact]
    public void A_missing_member_is_refused() => Refused(plan => plan["computation"]!.AsObject().Remove("mixture"), "$.computation", "mixture");

    [Theory]
    [InlineData("validation")]
    [InlineData("globalBatchSize")]
    public void A_plan_leaves_nothing_to_defaults(string member) =>
        Refused(plan => plan["computation"]!["training"]!.AsObject().Remove(member), "$.computation.training", member);

    [Fact]
    public void A_part_that_is_null_is_refused() => Refused(plan => plan["computation"]!["training"]!["validation"] = null, "$.computation.training.validation", "null");

    [Fact]
    public void An_unknown_stage_is_refused() => Refused(plan => plan["computation"]!["stage"] = "dance", "$.computation", "dance");

    [Fact]
    public void A_stage_without_its_kind_is_refused() => Refused(plan => plan["computation"]!.AsObject().Remove("stage"), null, "abstract");

    [Fact]
    public void A_precision_by_number_is_refused() => Refused(plan => plan["computation"]!["precision"] = 1, "$.computation.precision", "JSON");

    [Fact]
    public void Text_that_is_no_json_is_refused_with_its_line()
    {
        var exception = Assert.Throws<InvalidInputException>(() => PlanJson.Read(_folder.Write("plan.json", "{\n\"version\": oops")));

        Assert.Equal(2, exception.Errors[0].Line);
    }

    [Fact]
    public void Messages_are_read_as_they_were_written()
    {
        var progress = new TrainerMessage
        {
            Progress = new() { Phase = "training", Step = 3, TotalSteps = 9, Loss = double.NaN, TokensPerSecond = 1e4 },
        };
        var failure = new TrainerMessage
        {
            Outcome = new()
            {
                Result = StageResult.PeerLost,
                Message = "rank 3",
                Seconds = 1,
                Failure = new() { Rank = 3, Node = 1, Signal = "SIGKILL", Message = "gone" },
            },
        };
        var outcome = new TrainerMessage
        {
            Outcome = new() { Result = StageResult.Diverged, Message = "loss is NaN at step 3", Seconds = 1.5, Results = new Dictionary<string, double> { ["finalLoss"] = double.NaN } },
        };

        Assert.True(PlanJson.TryReadLine(PlanJson.WriteLine(progress), out var readProgress));
        Assert.Equal(progress, readProgress);
        Assert.True(PlanJson.TryReadLine(PlanJson.WriteLine(outcome), out var readOutcome));
        Assert.Equal((StageResult.Diverged, double.NaN), (readOutcome.Outcome!.Result, readOutcome.Outcome.Results!["finalLoss"]));
        Assert.True(PlanJson.TryReadLine(PlanJson.WriteLine(failure), out var readFailure));
        Assert.Equal(failure, readFailure);
        Assert.Contains("\"result\":\"peerLost\"", PlanJson.WriteLine(failure), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', PlanJson.WriteLine(outcome));
        Assert.Contains("\"result\":\"diverged\"", PlanJson.WriteLine(outcome), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("warning: something")]
    [InlineData("{\"progress\":{\"phase\":\"training\",\"step\":1}}")]
    [InlineData("{\"progress\":{\"phase\":\"training\",\"step\":1,\"totalSteps\":2},\"surprise\":1}")]
    [InlineData("{\"progress\":{\"phase\":\"a\",\"step\":1,\"totalSteps\":2},\"outcome\":{\"result\":\"failed\",\"message\":\"\",\"seconds\":1}}")]
    public void A_line_that_is_no_message_is_told_apart(string line) => Assert.False(PlanJson.TryReadLine(line, out _));

    private string Change(Action<JsonObject> change)
    {
        var manifest = ManifestReader.Read(_folder.Write("manifest.yaml", Chain.Pretrain));
        var stage = StagePlanner.Plan(manifest.Runs, new Dictionary<string, DataSet> { ["corpus"] = new("corpus", "corpus") }, StagePlaces.InFolder("/out"))[0];
        var json = JsonNode.Parse(PlanJson.Write(stage.Plan))!.AsObject();
        change(json);
        return _folder.Write("plan.json", json.ToJsonString());
    }

    private void Refused(Action<JsonObject> change, string? field, string found)
    {
        var path = Change(change);

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => PlanJson.Read(path)).Errors);

        Assert.Contains(found, error.Found, StringComparison.OrdinalIgnoreCase);
        if (field is not null)
        {
            Assert.Equal(field, error.Field);
        }
    }
}
