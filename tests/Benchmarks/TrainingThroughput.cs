using System.Diagnostics;
using System.Globalization;
using VisualPriors.Api.Models;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Distributed.Sharding;
using VisualPriors.Models;
using VisualPriors.Torch;
using static TorchSharp.torch;

namespace VisualPriors.Benchmarks;

/// <summary>
/// Whole training steps (forward, loss, backward, clipping, AdamW) of the nano decoder at context 256, batch 16, two threads, ours against the
/// same model, weights and data in PyTorch under bf16 autocast (Peers/training_throughput.py). The two take turns in one run, so that other
/// work on the machine slows both, and medians are compared.
/// </summary>
internal static class TrainingThroughput
{
    private const int Vocabulary = 4096;
    private const int Length = 256;
    private const int Batch = 16;
    private const int Threads = 2;
    private const int Rounds = 9;
    private const int StepsPerRound = 5;
    private const int DistinctBatches = 8;
    private static readonly OptimizerSpec Spec = new() { LearningRate = 1e-3, WeightDecay = 0.1, GradientClip = 1 };

    public static void Run()
    {
        set_num_threads(Threads);
        var folder = Directory.CreateTempSubdirectory("vp-benchmark-").FullName;
        try
        {
            using var ours = new Ours(folder);
            using var peer = new Peer(folder);
            ours.Steps(StepsPerRound);
            peer.Steps(StepsPerRound);
            var rounds = new List<(double Ours, double Peer)>();
            for (var round = 1; round <= Rounds; round++)
            {
                var (seconds, loss) = ours.Steps(StepsPerRound);
                var (peerSeconds, peerLoss) = peer.Steps(StepsPerRound);
                const double Tokens = StepsPerRound * Batch * Length;
                rounds.Add((Tokens / seconds, Tokens / peerSeconds));
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"round {round}: ours {rounds[^1].Ours,7:F0} tokens/s (loss {loss:F4}), PyTorch {rounds[^1].Peer,7:F0} tokens/s (loss {peerLoss:F4})"));
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

    /// <summary>Our side; leaves its weights and data in the folder for the peer.</summary>
    private sealed class Ours : IDisposable
    {
        private readonly Decoder _decoder;
        private readonly ShardedAdamW _optimizer;
        private readonly Tensor _tokens; // [batches, B, T + 1]
        private int _step;

        public Ours(string folder)
        {
            var configuration = new DecoderConfiguration { Dimensions = DecoderPresets.All["nano"], VocabularySize = Vocabulary };
            _decoder = new Decoder(configuration, CPU, ScalarType.BFloat16);
            _decoder.Initialise(42);
            _optimizer = new ShardedAdamW([new ParameterUnit("decoder", null, [.. _decoder.named_parameters().Select(p => new TrainedParameter(p.name, p.parameter, p.parameter.dim() > 1))])], Spec, new SingleProcess(), new ShardingSpec());

            // Tokens that can be learned: each is a fixed function of the one before, nine times in ten.
            var random = new Random(1);
            var tokens = new long[DistinctBatches * Batch * (Length + 1)];
            for (var i = 1; i < tokens.Length; i++)
            {
                tokens[i] = random.Next(10) == 0 ? random.Next(Vocabulary) : ((tokens[i - 1] * 5) + 7) % Vocabulary;
            }

            _tokens = tensor(tokens, [DistinctBatches, Batch, Length + 1]);
            DecoderFolder.Save(_decoder, folder);
            SafetensorsWriter.Write(Path.Combine(folder, "tokens.safetensors"), [("tokens", _tokens)]);
        }

        public (double Seconds, double Loss) Steps(int count)
        {
            var watch = Stopwatch.StartNew();
            var loss = 0.0;
            for (var i = 0; i < count; i++)
            {
                using var scope = NewDisposeScope();
                var batch = _tokens[_step++ % DistinctBatches];
                var hidden = _decoder.Hidden(_decoder.Embed(batch.narrow(1, 0, Length)));
                var labels = batch.narrow(1, 1, Length).reshape(-1);
                var mean = _decoder.TokenLosses(hidden.view(labels.size(0), -1), labels).sum() / labels.size(0);
                _optimizer.Backward(mean, isLast: true);
                _optimizer.Step(Spec.LearningRate);
                loss = i == count - 1 ? mean.item<float>() : 0;
            }

            return (watch.Elapsed.TotalSeconds, loss);
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _decoder.Dispose();
            _tokens.Dispose();
        }
    }

    /// <summary>The other side: a Python process that takes a number of steps a line.</summary>
    private sealed class Peer : IDisposable
    {
        private readonly Process _process;

        public Peer(string folder)
        {
            var script = Path.Combine(AppContext.BaseDirectory, "Peers", "training_throughput.py");
            _process = Process.Start(new ProcessStartInfo("/usr/bin/python3", [script, folder, $"{Threads}"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                Environment = { ["OMP_NUM_THREADS"] = $"{Threads}" },
            })!;
        }

        public (double Seconds, double Loss) Steps(int count)
        {
            _process.StandardInput.WriteLine(count);
            var answer = _process.StandardOutput.ReadLine()?.Split(' ')
                ?? throw new InvalidOperationException("the peer ended; are python3-torch and python3-numpy installed?");
            return (double.Parse(answer[0], CultureInfo.InvariantCulture), double.Parse(answer[1], CultureInfo.InvariantCulture));
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
