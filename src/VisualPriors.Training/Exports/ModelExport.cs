using System.Text.Json.Nodes;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.Models;
using VisualPriors.Storage;
using VisualPriors.Storage.Objects;
using VisualPriors.Torch;
using VisualPriors.Training.Stages;
using static TorchSharp.torch;

namespace VisualPriors.Training.Exports;

/// <summary>What an export wrote.</summary>
/// <param name="Files">Names of the objects, in the order they were written.</param>
/// <param name="TensorBytes">Bytes of all tensors.</param>
public sealed record ExportedModel(IReadOnlyList<string> Files, long TensorBytes);

/// <summary>
/// Writes a language model of an artifact to an object store as Hugging Face's libraries read it. One file's tensors are in memory at a
/// time; nothing is copied to a disk here. The configuration comes last: what has none is no model yet.
/// </summary>
public static class ModelExport
{
    /// <summary>Hugging Face's own limit.</summary>
    public const long DefaultMaximumFileBytes = 5_000_000_000;

    /// <summary>Name of the configuration's object.</summary>
    public const string ConfigurationFile = "config.json";

    /// <summary>Exports the language model of a pre-training or fine-tuning artifact.</summary>
    /// <param name="artifactFolder">The artifact; every file of it is compared with its hash first.</param>
    /// <param name="store">Where to; holds nothing yet, or what an interrupted export left.</param>
    /// <param name="type">Element type of the tensors: fp32 or bf16.</param>
    /// <param name="maximumFileBytes">Largest weights file; a tensor that is larger has one of its own.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="InvalidInputException">There is no such artifact, it is damaged, or the store holds something else.</exception>
    /// <exception cref="StoreException">The store failed.</exception>
    public static async Task<ExportedModel> RunAsync(
        string artifactFolder, IObjectStore store, ScalarType type, long maximumFileBytes, CancellationToken cancellationToken)
    {
        var artifact = Artifact.Open(artifactFolder, ArtifactKind.Pretrain, ArtifactKind.Sft);
        artifact.Verify(cancellationToken);
        var folder = artifact.PathOf(StageFolders.LanguageModel);
        using var weights = DecoderFolder.OpenWeights(folder);
        await ClearAsync(store, cancellationToken).ConfigureAwait(false);

        var files = SafetensorsIndex.Cut(weights.Names, name => SafetensorsHeader.BytesOf(type, weights.ShapeOf(name)), maximumFileBytes);
        var written = new List<string>();
        foreach (var (fileName, names) in files)
        {
            await WriteAsync(fileName, Content(weights, names, type)).ConfigureAwait(false);
        }

        var totalBytes = weights.Names.Sum(name => SafetensorsHeader.BytesOf(type, weights.ShapeOf(name)));
        if (files.Count > 1)
        {
            var fileOf = files.SelectMany(file => file.Tensors.Select(name => KeyValuePair.Create(name, file.FileName)));
            await WriteAsync(SafetensorsIndex.FileName, [SafetensorsIndex.Build(fileOf, totalBytes)]).ConfigureAwait(false);
        }

        var tokenizer = await File.ReadAllBytesAsync(Path.Combine(folder, StageFolders.TokenizerFile), cancellationToken).ConfigureAwait(false);
        await WriteAsync(StageFolders.TokenizerFile, [tokenizer]).ConfigureAwait(false);
        await WriteAsync(ConfigurationFile, [Configuration(Path.Combine(folder, ConfigurationFile), type)]).ConfigureAwait(false);
        return new ExportedModel(written, totalBytes);

        async Task WriteAsync(string name, IReadOnlyList<ReadOnlyMemory<byte>> content)
        {
            await store.WriteAsync(name, content, cancellationToken).ConfigureAwait(false);
            written.Add(name);
        }
    }

    /// <summary>One weights file: its header, then its tensors' bytes.</summary>
    private static List<ReadOnlyMemory<byte>> Content(SafetensorsSet weights, IReadOnlyList<string> names, ScalarType type)
    {
        // "format": "pt" is what Hugging Face's loaders ask for.
        var content = new List<ReadOnlyMemory<byte>>
        {
            SafetensorsHeader.Build(names.Select(name => (name, type, weights.ShapeOf(name))), new Dictionary<string, string> { ["format"] = "pt" }),
        };
        foreach (var name in names)
        {
            using var scope = NewDisposeScope();
            content.AddRange(SafetensorsWriter.Bytes(weights.Read(name).to(type)).Select(bytes => (ReadOnlyMemory<byte>)bytes));
        }

        return content;
    }

    private static byte[] Configuration(string path, ScalarType type)
    {
        // Loading the weights has checked that it is an object, and of bounded size.
        var root = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        root["torch_dtype"] = type == ScalarType.BFloat16 ? "bfloat16" : "float32";
        return System.Text.Encoding.UTF8.GetBytes(root.ToString() + "\n");
    }

    /// <summary>Removes what an interrupted export left.</summary>
    /// <exception cref="InvalidInputException">Something else is there.</exception>
    private static async Task ClearAsync(IObjectStore store, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        await foreach (var item in store.ListAsync("", cancellationToken).ConfigureAwait(false))
        {
            var isLeftover = SafetensorsIndex.IsFileName(item.Name) || item.Name is SafetensorsIndex.FileName or StageFolders.TokenizerFile;
            names.Add(isLeftover ? item.Name : throw new InvalidInputException(store.Address, null, item.Name, "an empty place, or what an interrupted export left"));
        }

        foreach (var name in names)
        {
            await store.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
        }
    }
}
