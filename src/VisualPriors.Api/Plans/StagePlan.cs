using System.Text.Json.Serialization;
using VisualPriors.Api.Models;
using VisualPriors.Api.Resources;

namespace VisualPriors.Api.Plans;

/// <summary>
/// What one stage is to compute, and where: the only way down from a control plane (<c>vp run</c>, the operator) to a trainer.
/// Self-contained and versioned: nothing is looked up again from the manifest.
/// </summary>
public sealed record StagePlan
{
    /// <summary>Version of this contract; a trainer refuses any other.</summary>
    public const int CurrentVersion = 2;

    /// <summary>Contract version.</summary>
    public required int Version { get; init; }

    /// <summary>Name of the run, for logs.</summary>
    public required string Run { get; init; }

    /// <summary>What to compute: all of it, and nothing else, enters the stage digest.</summary>
    public required StageComputation Computation { get; init; }

    /// <summary>Where to read and write: changes nothing of the result.</summary>
    public required StagePlacement Placement { get; init; }
}

/// <summary>What a stage computes. Settings are the resource's, with defaults filled in; inputs are named by content.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "stage")]
[JsonDerivedType(typeof(PretrainComputation), "pretrain")]
[JsonDerivedType(typeof(AlignComputation), "align")]
[JsonDerivedType(typeof(SftComputation), "sft")]
[JsonDerivedType(typeof(EvalComputation), "eval")]
public abstract record StageComputation
{
    /// <summary>
    /// Digest (lower-case hexadecimal SHA-256) of every input by role, see <see cref="StageInputs"/>: a prepared data set's content
    /// digest, or an upstream run's stage digest, so that a whole chain's digests are known before anything runs.
    /// </summary>
    public required IReadOnlyDictionary<string, string> Inputs { get; init; }

    /// <summary>Seed of everything random.</summary>
    public required long Seed { get; init; }

    /// <summary>Precision of the compute copies.</summary>
    public required Precision Precision { get; init; }
}

/// <summary>Roles of input artifacts.</summary>
public static class StageInputs
{
    /// <summary>Tokenized text and its tokenizer.</summary>
    public const string Corpus = "corpus";

    /// <summary>A decoder checkpoint.</summary>
    public const string LanguageModel = "language-model";

    /// <summary>A vision encoder checkpoint.</summary>
    public const string VisionEncoder = "vision-encoder";

    /// <summary>A projector checkpoint.</summary>
    public const string Projector = "projector";

    /// <summary>Image-caption pairs.</summary>
    public const string Captions = "captions";

    /// <summary>Instruction conversations.</summary>
    public const string Instructions = "instructions";

    /// <summary>Role of the questions of the suite at an index.</summary>
    public static string Suite(int index) => $"suite-{index}";
}

/// <summary>Pre-trains a decoder. Inputs: <see cref="StageInputs.Corpus"/>.</summary>
public sealed record PretrainComputation : StageComputation
{
    /// <summary>The decoder's shape.</summary>
    public required DecoderDimensions Model { get; init; }

    /// <summary>Weight by source name, as given.</summary>
    public required IReadOnlyDictionary<string, decimal> Mixture { get; init; }

    /// <summary>Length, batch and optimizer.</summary>
    public required PretrainTrainingSpec Training { get; init; }
}

/// <summary>Trains a projector. Inputs: language model, vision encoder, captions.</summary>
public sealed record AlignComputation : StageComputation
{
    /// <summary>Visual tokens per image (a square number).</summary>
    public required int VisualTokens { get; init; }

    /// <summary>Length, batch and optimizer.</summary>
    public required AdaptationTrainingSpec Training { get; init; }
}

/// <summary>Instruction-tunes projector and decoder. Inputs: language model, vision encoder, projector, instructions.</summary>
public sealed record SftComputation : StageComputation
{
    /// <summary>Withhold the images.</summary>
    public required bool Blind { get; init; }

    /// <summary>Length, batch and optimizer.</summary>
    public required AdaptationTrainingSpec Training { get; init; }
}

/// <summary>Scores a multimodal model. Inputs: language model, vision encoder, projector, one <see cref="StageInputs.Suite"/> per suite.</summary>
public sealed record EvalComputation : StageComputation
{
    /// <summary>The suites, in the order of their inputs.</summary>
    public required IReadOnlyList<EvalSuiteSpec> Suites { get; init; }
}

/// <summary>Where a stage reads and writes. Never part of the digest.</summary>
public sealed record StagePlacement
{
    /// <summary>
    /// Place of every input artifact by role: a folder, or an address in an object store. A launcher fetches what lies in a store to its
    /// node's scratch folder before ranks start; they see folders only.
    /// </summary>
    public required IReadOnlyDictionary<string, string> Inputs { get; init; }

    /// <summary>
    /// Place that the artifact is to appear at, whole or not at all: a folder, or an address in an object store, which the launcher of the first
    /// node publishes it to.
    /// </summary>
    public required string Output { get; init; }

    /// <summary>Machines, processes and what they share out.</summary>
    public required ComputeSpec Compute { get; init; }

    /// <summary>Where and when to save; null for a stage that has nothing to save before its end.</summary>
    public CheckpointPlacement? Checkpoints { get; init; }
}

/// <summary>Where and when a training stage saves its state.</summary>
public sealed record CheckpointPlacement
{
    /// <summary>Address of the stage's own place in an object store: <c>file:///folder</c> or <c>azblob://account/container/prefix</c>.</summary>
    public required string Address { get; init; }

    /// <summary>When to save, and what to keep.</summary>
    public required CheckpointSpec Policy { get; init; }
}
