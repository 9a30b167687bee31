using System.Text.Json.Nodes;
using TorchSharp;
using VisualPriors.Api.Models;
using VisualPriors.Api.Planning;
using VisualPriors.Models;

namespace VisualPriors.Cli.Tests.Commands;

public sealed class PlanCommandTests : IDisposable
{
    private readonly TinyExperiment _experiment = new();

    public void Dispose() => _experiment.Dispose();

    [Fact]
    public async Task Neither_data_nor_a_GPU_is_needed()
    {
        var run = await VpRun.Of(["plan", "-f", _experiment.Manifest, "--data", Path.Combine(_experiment.Root, "nowhere")]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(
            ["PretrainRun decoder on 1 x h100 (80.0 GB)", "AlignRun aligned on 1 x h100 (80.0 GB)", "SftRun tuned on 1 x h100 (80.0 GB)"],
            run.OutputLines.Where(line => line.Contains(" on ", StringComparison.Ordinal)));
        Assert.Contains("13,015,864,320", run.Output, StringComparison.Ordinal);
        Assert.Contains("none fits", run.Output, StringComparison.Ordinal);
        Assert.Contains("~ marks estimates", run.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_experiment.Output));
    }

    [Fact]
    public async Task Json_has_every_number_and_says_which_are_estimates()
    {
        var run = await VpRun.Of(["plan", "--json", "-f", _experiment.Manifest, "--data", "nowhere", "--preset", "3B,340M", "--gpu", "a100"]);

        var document = JsonNode.Parse(run.Output)!;
        Assert.Equal("a100", (string)document["gpu"]!["name"]!);
        Assert.Equal(0.5, (double)document["gpu"]!["utilisation"]!);
        Assert.Contains("activations", document["estimated"]!.AsArray().Select(name => (string)name!));
        Assert.Equal(
            ["decoder nano", "decoder 3B", "decoder 340M", "aligned nano", "tuned nano"],
            document["runs"]!.AsArray().Select(estimate => $"{estimate!["run"]} {estimate["preset"]}"));
        var first = document["runs"]![0]!;
        Assert.Equal(80, (long)first["tokens"]!);
        Assert.True((bool)first["asWritten"]!["fits"]!);
        Assert.True((long)first["asWritten"]!["memory"]!["total"]! > (long)first["asWritten"]!["memory"]!["masters"]!);
        Assert.True((double)first["throughput"]!["tokensPerSecond"]! > 0);
    }

    [Fact]
    public async Task A_prepared_corpus_says_the_vocabulary()
    {
        var run = await VpRun.Of(["plan", "--json", "-f", _experiment.Manifest, "--data", _experiment.Data, "--preset", "340M"]);

        var parameters = JsonNode.Parse(run.Output)!["runs"]!.AsArray().Select(estimate => (long)estimate!["parameters"]!).ToList();
        Assert.Equal(DecoderSize.Of(DecoderPresets.All["nano"], 270).Total, parameters[0]);
        Assert.Equal(DecoderSize.Of(DecoderPresets.All["340M"], 270).Total, parameters[1]);
    }

    [Theory]
    [InlineData("--gpu", "h1000", "expected one of h100, ")]
    [InlineData("--preset", "340M,2B", "found '2B'")]
    public async Task An_unknown_name_is_bad_input(string option, string value, string expected)
    {
        var run = await VpRun.Of(["plan", "-f", _experiment.Manifest, option, value]);

        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sizes_that_no_machine_has_are_bad_input()
    {
        _experiment.Write(TinyExperiment.Chain.Split("---")[0].Replace(
            "preset: nano", "dimensions: {layers: 2000000000, hiddenSize: 1073741824, heads: 1, keyValueHeads: 1, feedForwardSize: 1073741824}", StringComparison.Ordinal));

        var run = await VpRun.Of(["plan", "-f", _experiment.Manifest, "--data", "nowhere"]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("that no machine has", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nano")]
    [InlineData("340M")]
    [InlineData("3B")]
    [InlineData("13B")]
    public void What_is_counted_is_what_a_decoder_has(string preset)
    {
        using var decoder = new Decoder(
            new DecoderConfiguration { Dimensions = DecoderPresets.All[preset], VocabularySize = 1000 }, torch.META, torch.ScalarType.BFloat16);

        Assert.Equal(decoder.parameters().Sum(parameter => parameter.numel()), DecoderSize.Of(DecoderPresets.All[preset], 1000).Total);
    }
}
