using System.Text.Json;
using System.Text.Json.Serialization;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Data.Text;
using VisualPriors.Models;
using VisualPriors.Storage;
using VisualPriors.Training.Batches;
using VisualPriors.Training.Loops;
using VisualPriors.Training.Optimization;
using static TorchSharp.torch;

namespace VisualPriors.Training.Stages;

/// <summary>Pre-trains a decoder from random initialisation on a mixture of text sources (paper.md 1).</summary>
public static class PretrainStage
{
    /// <summary>Runs the stage and writes <c>language-model/</c>, <c>metrics.jsonl</c> and <c>mixture.json</c>.</summary>
    public static IReadOnlyDictionary<string, double> Run(StageWork work, PretrainComputation computation, CancellationToken cancellationToken)
    {
        var corpusFolder = work.Input(StageInputs.Corpus, ArtifactKind.TextCorpus).Directory;
        using var corpus = TextCorpus.Open(corpusFolder);
        var training = computation.Training;
        var schedule = new MixtureSchedule(computation.Mixture);
        var batches = new PretrainBatches(corpus, schedule, training.SequenceLength, training.GlobalBatchSize, computation.Seed);
        var totalSteps = StageSteps.Of(training);

        using var decoder = new Decoder(
            new DecoderConfiguration { Dimensions = computation.Model, VocabularySize = corpus.VocabularySize }, work.Device, computation.Precision.ToScalarType());
        decoder.Initialise(computation.Seed);
        using var optimizer = work.CreateOptimizer(TrainedUnits.Of(decoder, prefix: ""), training.Optimizer);
        work.RunBlocksThrough(optimizer, decoder);
        var validation = new PretrainValidation(decoder, corpus, schedule, training, totalSteps, work.World);
        var task = new TrainingTask
        {
            TotalSteps = totalSteps,
            Optimizer = training.Optimizer,
            LossProtection = training.LossProtection,
            Load = step => Load(batches, schedule, training, work.Share, step),
            SampleLosses = batch => SampleLosses(decoder, batch),
            IsValidationDue = validation.IsDue,
            Validate = validation.Take,
        };
        var summary = work.Train(task, optimizer, cancellationToken);
        using var scope = NewDisposeScope();
        var masters = optimizer.GatherMasters(keep: work.Output is not null);
        if (work.Output is not null)
        {
            WriteMixture(work.Output, schedule, totalSteps * training.GlobalBatchSize);
            StageWork.SaveLanguageModel(work.Output, decoder.Configuration, masters, Path.Combine(corpusFolder, StageFolders.TokenizerFile));
        }

        return new Dictionary<string, double>
        {
            ["initialLoss"] = summary.FirstValidationLoss!.Value,
            ["finalValidationLoss"] = summary.LastValidationLoss!.Value,
            ["tokens"] = summary.Tokens,
            ["tokensPerSecond"] = summary.TokensPerSecond,
            ["skippedSteps"] = summary.SkippedSteps,
            ["rollbacks"] = summary.Rollbacks,
            ["parameters"] = decoder.parameters().Sum(parameter => parameter.numel()),
        };
    }

    /// <summary>Summed next-token loss of every sequence, [samples].</summary>
    internal static Tensor SampleLosses(Decoder decoder, MicroBatch batch)
    {
        var inputs = tensor(batch.Inputs, device: decoder.Device).view(batch.BatchSize, batch.Length);
        var targets = tensor(batch.Targets, device: decoder.Device);
        var hidden = decoder.Hidden(decoder.Embed(inputs));
        return decoder.TokenLosses(hidden.view(-1, hidden.shape[^1]), targets).view(batch.BatchSize, batch.Length).sum(1);
    }

    private static MicroBatch[] Load(
        PretrainBatches source, MixtureSchedule schedule, PretrainTrainingSpec training, RankShare share, long step)
    {
        var length = training.SequenceLength;
        var window = new long[length + 1];
        return [.. share.Cut(training.GlobalBatchSize, training.MicroBatchSize).Select(micro =>
        {
            var inputs = new long[micro.Count * length];
            var targets = new long[micro.Count * length];
            var sources = new string[micro.Count];
            for (var i = 0; i < micro.Count; i++)
            {
                sources[i] = schedule.Sources[source.Fill(step, micro.First + i, window)];
                window.AsSpan(0, length).CopyTo(inputs.AsSpan(i * length));
                window.AsSpan(1, length).CopyTo(targets.AsSpan(i * length));
            }

            return new MicroBatch
            {
                BatchSize = micro.Count,
                Length = length,
                Inputs = inputs,
                Targets = targets,
                Sources = sources,
                SupervisedTokens = micro.Count * length,
                Tokens = micro.Count * length,
            };
        })];
    }

    private static void WriteMixture(ArtifactWriter output, MixtureSchedule schedule, long samples)
    {
        var counts = new long[schedule.Sources.Count];
        for (long sample = 0; sample < samples; sample++)
        {
            counts[schedule.At(sample).Source]++;
        }

        var shares = schedule.Sources.Select((source, i) => new MixtureShare(
            source, schedule.Weight(i), counts[i], samples == 0 ? 0 : (double)counts[i] / samples)).ToList();
        File.WriteAllBytes(output.PathOf("mixture.json"), JsonSerializer.SerializeToUtf8Bytes(shares, MixtureJson.Default.ListMixtureShare));
    }
}

/// <summary>A source's part of what was trained on.</summary>
/// <param name="Source">The source.</param>
/// <param name="Weight">The share asked for.</param>
/// <param name="Samples">Sequences drawn.</param>
/// <param name="Share">Their share of all sequences.</param>
internal sealed record MixtureShare(string Source, double Weight, long Samples, double Share);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(List<MixtureShare>))]
internal sealed partial class MixtureJson : JsonSerializerContext;
