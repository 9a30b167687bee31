using VisualPriors.Api.Plans;
using VisualPriors.Models;
using VisualPriors.Storage;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>What a stage is given: its plan, where its inputs lie, where its artifact goes, whom to tell.</summary>
public sealed record StageWork
{
    /// <summary>The plan.</summary>
    public required StagePlan Plan { get; init; }

    /// <summary>The artifact in the making: files are written into it; the caller commits it when the stage succeeds.</summary>
    public required ArtifactWriter Output { get; init; }

    /// <summary>Told how far the stage is; may be called often, the receiver thins out.</summary>
    public required Action<ProgressReport> Report { get; init; }

    /// <summary>The input artifact of a role (see <see cref="StageInputs"/>), opened.</summary>
    public Artifact Input(string role, params ReadOnlySpan<string> kinds) => Artifact.Open(Plan.Placement.Inputs[role], kinds);

    /// <summary>Writes a decoder and its tokenizer into the artifact.</summary>
    internal void SaveLanguageModel(DecoderConfiguration configuration, IEnumerable<(string Name, Tensor Value)> weights, string tokenizerPath)
    {
        var tokenizer = Output.PathOf($"{StageFolders.LanguageModel}/{StageFolders.TokenizerFile}");
        File.Copy(tokenizerPath, tokenizer);
        DecoderFolder.Save(configuration, weights, Path.GetDirectoryName(tokenizer)!);
    }

    /// <summary>Writes a projector into the artifact.</summary>
    internal void SaveProjector(Projector projector, IEnumerable<(string Name, Tensor Value)> weights)
    {
        var directory = Output.PathOf(StageFolders.Projector);
        Directory.CreateDirectory(directory);
        projector.Save(weights, directory);
    }
}
