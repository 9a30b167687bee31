using System.Globalization;
using VisualPriors.Distributed.Communication;
using static TorchSharp.torch;

namespace VisualPriors.Benchmarks;

/// <summary>
/// Whole training steps (forward, loss, backward, clipping, AdamW) of the nano decoder at context 256, batch 16, two threads, ours against the
/// same model, weights and data in PyTorch under bf16 autocast (Peers/training_throughput.py). The two take turns in one run, so that other
/// work on the machine slows both, and medians are compared.
/// </summary>
internal static class TrainingThroughput
{
    private const int Batch = 16;
    private const int Length = 256;
    private const int Threads = 2;
    private const int Rounds = 9;
    private const int StepsPerRound = 5;

    public static void Run()
    {
        set_num_threads(Threads);
        var folder = Directory.CreateTempSubdirectory("vp-benchmark-").FullName;
        try
        {
            var model = new SyntheticModel("nano", TorchSharp.DeviceType.CPU, ScalarType.BFloat16, Batch, Length);
            using var world = new SingleProcess();
            using var ours = new SyntheticTraining(model, world);
            ours.Save(folder);
            using var peer = new PyTorchPeer(folder, Threads);
            ours.Steps(StepsPerRound);
            peer.Steps(StepsPerRound);
            var rounds = new List<(double Ours, double Peer)>();
            for (var round = 1; round <= Rounds; round++)
            {
                var (seconds, losses) = ours.Steps(StepsPerRound);
                var (peerSeconds, peerLoss) = peer.Steps(StepsPerRound);
                const double Tokens = StepsPerRound * Batch * Length;
                rounds.Add((Tokens / seconds, Tokens / peerSeconds));
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"round {round}: ours {rounds[^1].Ours,7:F0} tokens/s (loss {losses[^1]:F4}), PyTorch {rounds[^1].Peer,7:F0} tokens/s (loss {peerLoss:F4})"));
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"median: ours {Median(rounds.Select(r => r.Ours)):F0} tokens/s, PyTorch {Median(rounds.Select(r => r.Peer)):F0} tokens/s, ratio {Median(rounds.Select(r => r.Ours / r.Peer)):F2}"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);
}
