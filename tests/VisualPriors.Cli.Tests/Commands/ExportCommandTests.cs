using System.Text.Json.Nodes;
using VisualPriors.Api.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Tokenization;
using VisualPriors.Models;
using VisualPriors.Storage;
using VisualPriors.Storage.Objects;
using VisualPriors.Storage.Tests.Objects;
using VisualPriors.Training.Stages;
using static TorchSharp.torch;

namespace VisualPriors.Cli.Tests.Commands;

/// <summary>A model goes to a store and comes back; the stores are a folder and a real Azurite.</summary>
public sealed class ExportCommandTests : IAsyncLifetime
{
    private readonly string _root = Directory.CreateTempSubdirectory("vp-export-").FullName;
    private readonly string? _connection = Environment.GetEnvironmentVariable(ObjectStores.ConnectionStringVariable);
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private Azurite? _azurite;

    private string Source => Path.Combine(_root, "source");

    private string Imported => Path.Combine(_root, "imported");

    private string Folder => Path.Combine(_root, "store");

    public async Task InitializeAsync()
    {
        try
        {
            SaveArtifact();
        }
        catch
        {
            // Nobody disposes of what was not initialised.
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        _scope.Dispose();
        Environment.SetEnvironmentVariable(ObjectStores.ConnectionStringVariable, _connection);
        Directory.Delete(_root, recursive: true);
        if (_azurite is not null)
        {
            await _azurite.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("bf16")]
    public async Task A_model_that_went_through_Azure_storage_gives_the_same_logits_to_the_bit(string precision)
    {
        _azurite = await Azurite.StartAsync();
        Environment.SetEnvironmentVariable(ObjectStores.ConnectionStringVariable, Azurite.ConnectionString(_azurite.Port));
        const string Address = $"azblob://{Azurite.Account}/models/tiny";

        var exported = await VpRun.Of(
            ["export", "--artifact", Source, "--to", Address, "--precision", precision, "--shard-size", "20000", "--json"]);
        Assert.True(exported.ExitCode == 0, exported.Error);
        var imported = await VpRun.Of(["import", "--from", Address, "--to", Imported]);
        Assert.True(imported.ExitCode == 0, imported.Error);

        var files = JsonNode.Parse(exported.Output)!["files"]!.AsArray().Select(name => (string)name!).ToArray();
        Assert.True(files.Length > 5, "the weights were to be cut into several files");
        Assert.Equal(["model.safetensors.index.json", "tokenizer.json", "config.json"], files[^3..]);
        Assert.Equal($"model-00001-of-{files.Length - 3:D5}.safetensors", files[0]);
        var artifact = Artifact.Open(Imported, ArtifactKind.Pretrain);
        artifact.Verify(default);
        var type = precision == "bf16" ? "bfloat16" : "float32";
        Assert.Contains($"\"torch_dtype\": \"{type}\"", await File.ReadAllTextAsync(artifact.PathOf("language-model/config.json")), StringComparison.Ordinal);
        var expected = Load(Source);
        if (precision == "bf16")
        {
            using var noGrad = no_grad();
            foreach (var parameter in expected.parameters())
            {
                parameter.copy_(parameter.to(ScalarType.BFloat16));
            }
        }

        Assert.True(Logits(expected).equal(Logits(Load(Imported))).all().item<bool>());
    }

    [Fact]
    public async Task A_model_that_fits_is_one_file_without_an_index()
    {
        await ExportAsync();
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.json"], Names());
        Assert.Equal(0, (await VpRun.Of(["import", "--from", $"file://{Folder}", "--to", Imported])).ExitCode);
        Assert.True(Logits(Load(Source)).equal(Logits(Load(Imported))).all().item<bool>());
    }

    [Fact]
    public async Task What_an_interrupted_export_left_is_replaced_and_anything_else_stays()
    {
        await ExportAsync();
        var again = await VpRun.Of(["export", "--artifact", Source, "--to", $"file://{Folder}"]);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("config.json, expected an empty place", again.Error, StringComparison.Ordinal);

        File.Delete(Path.Combine(Folder, "config.json"));
        await File.WriteAllTextAsync(Path.Combine(Folder, "model-00001-of-00002.safetensors"), "half");
        await ExportAsync();
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.json"], Names());
    }

    [Theory]
    [InlineData("config.json", "\"vocab_size\": 300", "\"vocab_size\": 301", "shape")]
    [InlineData("config.json", "\"hidden_size\": 32", "\"hidden_size\": 64", "head_dim")]
    [InlineData("config.json", "\"llama\"", "\"gpt2\"", "model_type")]
    [InlineData("model.safetensors.index.json", "\"model-00001-of-", "\"../model-00001-of-", "the name of a safetensors file beside the index")]
    [InlineData("model.safetensors.index.json", "\"model.norm.weight\"", "\"model.other.weight\"", "model.norm.weight")]
    [InlineData("tokenizer.json", null, null, "no such object")]
    [InlineData("model-00002-of-*", null, null, "no such object")]
    [InlineData("model-00002-of-*", "", "surplus", "bytes of data")]
    [InlineData("model-00002-of-*", "{", "", "malformed JSON")]
    public async Task A_folder_that_is_no_whole_model_is_refused_and_nothing_is_left(string file, string? what, string? with, string expected)
    {
        await ExportAsync("--shard-size", "20000");
        var path = Directory.GetFiles(Folder, file).Single();
        if (what is null)
        {
            File.Delete(path);
        }
        else
        {
            // One character a byte, so that weights stay as they are.
            var text = await File.ReadAllTextAsync(path, System.Text.Encoding.Latin1);
            var at = what.Length == 0 ? text.Length : text.IndexOf(what, StringComparison.Ordinal);
            await File.WriteAllTextAsync(path, text[..at] + with + text[(at + what.Length)..], System.Text.Encoding.Latin1);
        }

        var run = await VpRun.Of(["import", "--from", $"file://{Folder}", "--to", Imported]);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.StartsWith($"error: file://{Folder}/", run.Error, StringComparison.Ordinal);
        Assert.Equal(["source", "store"], Directory.GetFileSystemEntries(_root).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task A_damaged_artifact_and_a_wrong_address_are_refused_before_anything_is_written()
    {
        var wrong = await VpRun.Of(["export", "--artifact", Source, "--to", "s3://bucket/x"]);
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("file:///folder or azblob://account/container/prefix", wrong.Error, StringComparison.Ordinal);

        var path = Path.Combine(Source, "language-model", "model.safetensors");
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        var damaged = await VpRun.Of(["export", "--artifact", Source, "--to", $"file://{Folder}"]);
        Assert.Equal(2, damaged.ExitCode);
        Assert.Contains("SHA-256", damaged.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Folder));
    }

    private static Tensor Logits(Decoder decoder)
    {
        using var noGrad = no_grad();
        return decoder.Logits(decoder.Hidden(decoder.Embed(arange(24).view(2, 12))));
    }

    private static Decoder Load(string artifact) => DecoderFolder.Load(Path.Combine(artifact, StageFolders.LanguageModel), CPU, ScalarType.Float32);

    private async Task ExportAsync(params string[] options)
    {
        var run = await VpRun.Of(["export", "--artifact", Source, "--to", $"file://{Folder}", .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    private IEnumerable<string?> Names() => Directory.GetFiles(Folder).Select(Path.GetFileName).Order();

    private void SaveArtifact()
    {
        using var writer = new ArtifactWriter(Source);
        var tokenizer = BytePairTrainer.Train(["an apple a day keeps the doctor away"], 260, default);
        tokenizer.Save(writer.PathOf("language-model/tokenizer.json"));
        using var decoder = new Decoder(
            new DecoderConfiguration
            {
                VocabularySize = 300,
                Dimensions = new DecoderDimensions { Layers = 2, HiddenSize = 32, Heads = 4, KeyValueHeads = 2, FeedForwardSize = 48 },
            },
            CPU,
            ScalarType.Float32);
        decoder.Initialise(7);
        DecoderFolder.Save(decoder, Path.Combine(writer.Directory, "language-model"));
        writer.Commit(ArtifactKind.Pretrain);
    }
}
