using System.Diagnostics;
using TorchSharp;
using VisualPriors.Api.Models;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Benchmarks;

/// <summary>What a synthetic training trains.</summary>
/// <param name="Preset">Name of a decoder preset.</param>
/// <param name="Device">Where.</param>
/// <param name="Type">Element type of the compute copies; masters are fp32.</param>
/// <param name="GlobalBatchSize">Sequences of a step, of all ranks.</param>
/// <param name="Length">Tokens of a sequence.</param>
/// <param name="ZeroStage">What ranks share out.</param>
internal sealed record SyntheticModel(string Preset, DeviceType Device, ScalarType Type, int GlobalBatchSize, int Length, int ZeroStage = 1)
{
    /// <summary>Vocabulary: the quickstart's for nano, the paper's else.</summary>
    public int VocabularySize => Preset == "nano" ? 4096 : DecoderPresets.PaperVocabularySize;
}

/// <summary>Whole training steps (forward, loss, backward, clipping, AdamW) of a decoder on tokens that can be learned.</summary>
internal sealed class SyntheticTraining : IDisposable
{
    private const int DistinctBatches = 8;
    private static readonly OptimizerSpec Spec = new() { LearningRate = 1e-3, WeightDecay = 0.1, GradientClip = 1 };
    private readonly SyntheticModel _model;
    private readonly World _world;
    private readonly Decoder _decoder;
    private readonly Tensor _tokens; // [batches, global B, T + 1]
    private int _step;

    /// <summary>Makes the model, the same on every rank.</summary>
    public SyntheticTraining(SyntheticModel model, World world)
    {
        (_model, _world) = (model, world);
        var device = new Device(model.Device);
        var configuration = new DecoderConfiguration { Dimensions = DecoderPresets.All[model.Preset], VocabularySize = model.VocabularySize };
        _decoder = new Decoder(configuration, device, model.Type);
        _decoder.Initialise(42);
        List<ParameterUnit> units =
        [
            Unit("embedding", null), .. Enumerable.Range(0, configuration.Dimensions.Layers).Select(layer => Unit($"blocks.{layer}.", layer)), Unit("norm", null), Unit("head", null),
        ];
        Optimizer = new ShardedAdamW(units, Spec, world, new ShardingSpec { ZeroStage = model.ZeroStage });
        _decoder.BlockExecution = new BlockExecutor(Optimizer, recomputes: model.ZeroStage == 3).Run;

        // Each token is a fixed function of the one before, nine times in ten.
        var random = new Random(1);
        var tokens = new long[DistinctBatches * model.GlobalBatchSize * (model.Length + 1)];
        for (var i = 1; i < tokens.Length; i++)
        {
            tokens[i] = random.Next(10) == 0 ? random.Next(model.VocabularySize) : ((tokens[i - 1] * 5) + 7) % model.VocabularySize;
        }

        _tokens = tensor(tokens, [DistinctBatches, model.GlobalBatchSize, model.Length + 1], device: device);
    }

    /// <summary>Holds the state.</summary>
    public ShardedAdamW Optimizer { get; }

    /// <summary>Leaves weights and data in a folder, for a peer.</summary>
    public void Save(string folder)
    {
        DecoderFolder.Save(_decoder, folder);
        SafetensorsWriter.Write(Path.Combine(folder, "tokens.safetensors"), [("tokens", _tokens)]);
    }

    /// <summary>Takes steps; gives their time and every step's loss over the samples of this rank.</summary>
    public (double Seconds, double[] Losses) Steps(int count)
    {
        var watch = Stopwatch.StartNew();
        var losses = new List<Tensor>();
        var share = _model.GlobalBatchSize / _world.Size;
        for (var i = 0; i < count; i++)
        {
            using var scope = NewDisposeScope();
            var batch = _tokens[_step++ % DistinctBatches].narrow(0, _world.Rank * share, share);
            var hidden = _decoder.Hidden(_decoder.Embed(batch.narrow(1, 0, _model.Length)));
            var labels = batch.narrow(1, 1, _model.Length).reshape(-1);
            var mean = _decoder.TokenLosses(hidden.view(labels.size(0), -1), labels).sum().Times(1.0 / labels.size(0));
            Optimizer.Backward(mean.Times(1.0 / _world.Size), isLast: true);
            Optimizer.Step(Spec.LearningRate);
            losses.Add(mean.detach().DetachFromDisposeScope());
        }

        var values = losses.Select(loss => (double)loss.cpu().item<float>()).ToArray(); // waits for the device
        losses.ForEach(loss => loss.Dispose());
        return (watch.Elapsed.TotalSeconds, values);
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        _decoder.Dispose();
        _tokens.Dispose();
    }

    private ParameterUnit Unit(string prefix, int? layer) => new(prefix.TrimEnd('.'), layer, [.. _decoder.named_parameters()
        .Where(item => item.name.StartsWith(prefix, StringComparison.Ordinal))
        .Select(item => new TrainedParameter(item.name, item.parameter, item.parameter.dim() > 1))]);
}
