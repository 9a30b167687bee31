using System.Text.Json;
using System.Text.Json.Serialization;
using VisualPriors.Api.Plans;
using VisualPriors.Data.Text;
using VisualPriors.Models;
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
        var tokensPerStep = (long)training.GlobalBatchSize * training.SequenceLength;
        var totalSteps = (training.Tokens + tokensPerStep - 1) / tokensPerStep;

        using var decoder = new Decoder(
            new DecoderConfiguration { Dimensions = computation.Model, VocabularySize = corpus.VocabularySize }, CPU, computation.Precision.ToScalarType());
        decoder.Initialise(computation.Seed);
        using var optimizer = new MasterWeightAdamW([.. TrainableParameters.Of(decoder, prefix: "")], training.Optimizer);
        var validation = new PretrainValidation(decoder, corpus, schedule, training, totalSteps);

        TrainingSummary summary;
        using (var log = new MetricsLog(work.Output.PathOf(MetricsLog.FileName)))
        {
            var task = new TrainingTask
            {
                TotalSteps = totalSteps,
                Optimizer = training.Optimizer,
                Load = step => Load(batches, schedule, training.SequenceLength, training.GlobalBatchSize, training.MicroBatchSize, step),
                SampleLosses = batch => SampleLosses(decoder, batch),
                Validate = step => validation.At(step, cancellationToken),
            };
            summary = TrainingLoop.Run(task, optimizer, log, work.Report, cancellationToken);
        }

        WriteMixture(work, schedule, totalSteps * training.GlobalBatchSize);
        work.SaveLanguageModel(decoder.Configuration, optimizer.Masters, Path.Combine(corpusFolder, StageFolders.TokenizerFile));
        return new Dictionary<string, double>
        {
            ["initialLoss"] = summary.FirstValidationLoss!.Value,
            ["finalValidationLoss"] = summary.LastValidationLoss!.Value,
            ["tokens"] = summary.Tokens,
            ["tokensPerSecond"] = summary.TokensPerSecond,
            ["parameters"] = decoder.parameters().Sum(parameter => parameter.numel()),
        };
    }

    /// <summary>Summed next-token loss of every sequence, [samples].</summary>
    internal static Tensor SampleLosses(Decoder decoder, MicroBatch batch)
    {
        var inputs = tensor(batch.Inputs).view(batch.BatchSize, batch.Length);
        var targets = tensor(batch.Targets);
        var hidden = decoder.Hidden(decoder.Embed(inputs));
        return decoder.TokenLosses(hidden.view(-1, hidden.shape[^1]), targets).view(batch.BatchSize, batch.Length).sum(1);
    }

    private static MicroBatch[] Load(
        PretrainBatches source, MixtureSchedule schedule, int length, int globalBatchSize, int? microBatchSize, long step)
    {
        var micro = microBatchSize ?? globalBatchSize;
        var batches = new MicroBatch[globalBatchSize / micro];
        var window = new long[length + 1];
        for (var i = 0; i < batches.Length; i++)
        {
            var inputs = new long[micro * length];
            var targets = new long[micro * length];
            var sources = new string[micro];
            for (var j = 0; j < micro; j++)
            {
                sources[j] = schedule.Sources[source.Fill(step, i * micro + j, window)];
                window.AsSpan(0, length).CopyTo(inputs.AsSpan(j * length));
                window.AsSpan(1, length).CopyTo(targets.AsSpan(j * length));
            }

            batches[i] = new MicroBatch
            {
                BatchSize = micro,
                Length = length,
                Inputs = inputs,
                Targets = targets,
                Sources = sources,
                SupervisedTokens = micro * length,
                Tokens = micro * length,
            };
        }

        return batches;
    }

    private static void WriteMixture(StageWork work, MixtureSchedule schedule, long samples)
    {
        var counts = new long[schedule.Sources.Count];
        for (long sample = 0; sample < samples; sample++)
        {
            counts[schedule.At(sample).Source]++;
        }

        var shares = schedule.Sources.Select((source, i) => new MixtureShare(
            source, schedule.Weight(i), counts[i], samples == 0 ? 0 : (double)counts[i] / samples)).ToList();
        File.WriteAllBytes(work.Output.PathOf("mixture.json"), JsonSerializer.SerializeToUtf8Bytes(shares, MixtureJson.Default.ListMixtureShare));
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
