using System.Globalization;
using TorchSharp;
using VisualPriors.Api.Models;

namespace VisualPriors.Benchmarks;

/// <summary>
/// The check for a machine with a GPU (deploy/gpu/check.sh runs it): losses of one rank and of two ranks on the device against one rank on
/// the CPU, then tokens per second and MFU against the same model in PyTorch, eager and compiled, taking turns. With the CPU as the device it
/// checks itself, on the nano preset alone.
/// </summary>
internal static class DeviceTraining
{
    /// <summary>Dense bf16 FLOP/s of an H100 SXM (NVIDIA's data sheet: 989.4e12); MFU on another card wants another number.</summary>
    private const double PeakFlops = 989.4e12;

    private const double Tolerance = 2e-3;
    private const int Rounds = 5;
    private const int StepsPerRound = 5;

    /// <summary>Runs everything; false where losses do not match.</summary>
    public static bool Run(DeviceType device)
    {
        var nano = Matches(new SyntheticModel("nano", DeviceType.CPU, torch.ScalarType.Float32, 4, 128), device, steps: 50);
        if (device == DeviceType.CPU)
        {
            return nano;
        }

        var small = Matches(new SyntheticModel("340M", DeviceType.CPU, torch.ScalarType.Float32, 2, 128), device, steps: 10);
        Race(new SyntheticModel("nano", device, torch.ScalarType.BFloat16, 64, 512));
        Race(new SyntheticModel("340M", device, torch.ScalarType.BFloat16, 8, 2048));
        return nano && small;
    }

    private static bool Matches(SyntheticModel model, DeviceType device, int steps)
    {
        var expected = Losses(model, 1, steps);
        var isSame = true;
        foreach (var (size, zeroStage) in new[] { (1, 1), (2, 0), (2, 1), (2, 2), (2, 3) })
        {
            var found = Losses(model with { Device = device, ZeroStage = zeroStage }, size, steps);
            var worst = expected.Zip(found).Max(pair => Math.Abs(pair.First - pair.Second) / pair.First);
            isSame &= worst <= Tolerance;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{model.Preset}, {size} rank(s) on {device}, ZeRO {zeroStage}: loss {found[0]:F4} to {found[^1]:F4}, at most {worst:E1} from the CPU's: {(worst <= Tolerance ? "the same" : "DIFFERENT")}"));
        }

        return isSame;
    }

    private static double[] Losses(SyntheticModel model, int size, int steps)
    {
        using var ranks = new SyntheticRanks(model, size, threads: Math.Max(1, Environment.ProcessorCount / size));
        return ranks.Steps(steps).Losses;
    }

    private static void Race(SyntheticModel model)
    {
        var folder = Directory.CreateTempSubdirectory("vp-benchmark-").FullName;
        try
        {
            using (var world = new Distributed.Communication.SingleProcess())
            using (var weights = new SyntheticTraining(model with { Device = DeviceType.CPU }, world))
            {
                weights.Save(folder);
            }

            using var ours = new SyntheticRanks(model, size: 1);
            using var eager = new PyTorchPeer(folder, Environment.ProcessorCount, "cuda");
            using var compiled = new PyTorchPeer(folder, Environment.ProcessorCount, "cuda", "compiled");
            var tokens = (double)StepsPerRound * model.GlobalBatchSize * model.Length;
            var rounds = new List<double[]>();
            for (var round = 0; round <= Rounds; round++)
            {
                double[] speeds = [ours.Steps(StepsPerRound).TokensPerSecond, tokens / eager.Steps(StepsPerRound).Seconds, tokens / compiled.Steps(StepsPerRound).Seconds];
                if (round > 0)
                {
                    rounds.Add(speeds); // the first warms up
                }
            }

            var dimensions = DecoderPresets.All[model.Preset];
            var flops = FlopsPerToken(dimensions, model);
            string[] names = ["ours", "PyTorch eager", "PyTorch compiled"];
            for (var i = 0; i < names.Length; i++)
            {
                var speed = rounds.Select(round => round[i]).Order().ElementAt(Rounds / 2);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{model.Preset}, {model.Length} x {model.GlobalBatchSize}, {names[i]}: {speed:N0} tokens/s, MFU {speed * flops / PeakFlops:P1} of an H100's"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Forward and backward: six per matrix parameter, and 12 L D T for attention (half of it masked, counted whole, as in PaLM's appendix B).</summary>
    private static double FlopsPerToken(DecoderDimensions d, SyntheticModel model)
    {
        var headSize = d.HiddenSize / d.Heads;
        var block = ((double)d.HiddenSize * (d.HiddenSize + (2 * headSize * d.KeyValueHeads))) + ((double)d.HiddenSize * d.HiddenSize) + (3.0 * d.HiddenSize * d.FeedForwardSize);
        return (6 * ((d.Layers * block) + ((double)d.HiddenSize * model.VocabularySize))) + (12.0 * d.Layers * d.HiddenSize * model.Length);
    }
}
