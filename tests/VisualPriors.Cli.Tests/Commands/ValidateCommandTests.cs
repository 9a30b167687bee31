using System.Text.Json.Nodes;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Tests.Commands;

public sealed class ValidateCommandTests : IDisposable
{
    private readonly TinyExperiment _experiment = new();

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public async Task Shows_what_a_run_would_do_and_writes_nothing()
    {
        var run = await VpRun.Of(["validate", "--json", .. _experiment.Options]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var stages = JsonNode.Parse(run.Output)!["stages"]!.AsArray();
        Assert.Equal(
            ["decoder PretrainRun  5 False", "aligned AlignRun decoder 2 False", "tuned SftRun aligned 1 False", "scored EvalRun tuned 3 False"],
            stages.Select(stage => $"{stage!["run"]} {stage["kind"]} {stage["from"]} {stage["steps"]} {(bool)stage["finished"]!}"));
        Assert.All(stages, stage => Assert.Matches("^[0-9a-f]{64}$", (string)stage!["digest"]!));
        Assert.False(Directory.Exists(_experiment.Output));
    }

    [Fact]
    public async Task Shows_a_table_to_people()
    {
        var run = await VpRun.Of(["validate", .. _experiment.Options]);

        Assert.Equal(0, run.ExitCode);
        Assert.Matches("decoder .* PretrainRun .* 5 .* to do", run.Output);
    }

    [Fact]
    public async Task The_data_folders_place_changes_no_digest()
    {
        var before = await VpRun.Of(["validate", "--json", .. _experiment.Options]);
        var moved = Path.Combine(_experiment.Root, "moved");
        Directory.Move(_experiment.Data, moved);

        var after = await VpRun.Of(["validate", "--json", "-f", _experiment.Manifest, "--data", moved, "--output", _experiment.Output]);

        Assert.Equal(before.Output, after.Output);
    }

    [Fact]
    public async Task A_data_set_that_is_not_there_is_named_where_the_manifest_asks_for_it()
    {
        Directory.Delete(Path.Combine(_experiment.Data, "captions"), recursive: true);
        Directory.Delete(Path.Combine(_experiment.Data, "instructions"), recursive: true);

        await Refused($"{_experiment.Manifest}:17: spec.captions: found 'captions', which is not at ", $"{_experiment.Manifest}:26: spec.instructions: found ");
    }

    [Fact]
    public async Task A_data_set_of_another_kind_is_refused()
    {
        _experiment.Write(TinyExperiment.Chain.Replace("captions: captions", "captions: mle-bench", StringComparison.Ordinal));

        await Refused("mle-bench/artifact.json: kind: found mle-bench, expected image-text");
    }

    [Fact]
    public async Task A_flipped_byte_is_found()
    {
        var path = Path.Combine(_experiment.Data, "corpus", "code", "train.bin");
        var bytes = File.ReadAllBytes(path);
        bytes[5] ^= 1;
        File.WriteAllBytes(path, bytes);

        await Refused($"{path}: found SHA-256");
    }

    [Fact]
    public async Task An_image_that_does_not_decode_is_found_though_its_hash_is_right()
    {
        await Remake("instructions", "image-text", folder => File.WriteAllText(Path.Combine(folder, "images", "1.png"), "no image"));

        await Refused(Path.Combine(_experiment.Data, "instructions", "images", "1.png"));
    }

    [Fact]
    public async Task A_question_without_its_answer_is_found()
    {
        await Remake("mle-bench", "mle-bench", folder =>
        {
            var path = Path.Combine(folder, "data.jsonl");
            File.WriteAllText(path, File.ReadAllText(path).Replace("\"answer\":\"b\"", "\"answer\":\"e\"", StringComparison.Ordinal));
        });

        await Refused("answer");
    }

    [Fact]
    public async Task A_source_that_the_corpus_lacks_is_named()
    {
        _experiment.Write(TinyExperiment.Chain.Replace("{code: 1, math: 3}", "{code: 1, law: 3}", StringComparison.Ordinal));

        await Refused($"{_experiment.Manifest}:8: spec.data.mixture.law: found a source that the corpus lacks, expected one of code, math");
    }

    [Fact]
    public async Task Being_stopped_has_an_exit_code_of_its_own()
    {
        var run = await VpRun.Of(["validate", .. _experiment.Options], new CancellationToken(canceled: true));

        Assert.Equal(130, run.ExitCode);
    }

    private async Task Refused(params string[] expected)
    {
        // What one refuses, the other refuses too, before anything starts.
        foreach (var command in new[] { "validate", "run" })
        {
            var run = await VpRun.Of([command, .. _experiment.Options]);

            Assert.Equal((2, ""), (run.ExitCode, run.Output));
            Assert.All(expected, part => Assert.Contains(part, run.Error, StringComparison.Ordinal));
            Assert.All(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.StartsWith("error: ", line, StringComparison.Ordinal));
            Assert.False(Directory.Exists(_experiment.Output));
        }
    }

    private async Task Remake(string name, string kind, Action<string> change)
    {
        var place = Path.Combine(_experiment.Data, name);
        using var writer = new ArtifactWriter(place);
        foreach (var file in Artifact.Open(place).Manifest.Files)
        {
            File.Copy(Path.Combine(place, file.Path), writer.PathOf(file.Path));
        }

        change(writer.Directory);
        writer.Commit(kind);
        await Task.CompletedTask;
    }
}
