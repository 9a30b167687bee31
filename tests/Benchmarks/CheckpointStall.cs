using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Distributed.Communication;
using VisualPriors.Storage.Checkpoints;
using VisualPriors.Training.Checkpoints;
using VisualPriors.Training.Loops;

namespace VisualPriors.Benchmarks;

/// <summary>
/// How long training waits for a checkpoint (the copy of its state; writing goes on beside it), against a plain copy of as many bytes between
/// two warm buffers, taking turns in one run; and how much slower steps are while a checkpoint is being hashed and written.
/// </summary>
internal static unsafe class CheckpointStall
{
    private const int Rounds = 15;
    private const int Batch = 8;
    private const int Length = 256;

    public static void Run()
    {
        var folder = Directory.CreateTempSubdirectory("vp-benchmark-").FullName;
        try
        {
            using var world = new SingleProcess();
            using var training = new SyntheticTraining(new SyntheticModel("nano", TorchSharp.DeviceType.CPU, TorchSharp.torch.ScalarType.BFloat16, Batch, Length), world);
            var placement = new CheckpointPlacement { Address = new Uri(folder).AbsoluteUri, Policy = new CheckpointSpec { KeepLast = 1 } };
            using var checkpointer = Checkpointer.Open(placement, "benchmark", world, null, Console.Error.WriteLine, CancellationToken.None);
            var log = new MetricsLog();
            var bytes = (nuint)(3 * sizeof(float) * training.Optimizer.SavedState.Sum(slice => slice.Length));
            var source = NativeMemory.AllocZeroed(bytes);
            var destination = NativeMemory.AllocZeroed(bytes);
            NativeMemory.Fill(source, bytes, 1);
            NativeMemory.Fill(destination, bytes, 2);
            training.Steps(2);
            checkpointer.TryRestore(training.Optimizer, log);
            var results = new List<(double Stall, double Copy, double Busy, double Quiet)>();
            for (var round = 0; round <= Rounds; round++)
            {
                var copy = Time(() => Buffer.MemoryCopy(source, destination, bytes, bytes));
                var stall = Time(() => checkpointer.Save(Position(round), log, training.Optimizer));
                var busy = training.Steps(1).Seconds;
                checkpointer.Complete();
                var quiet = training.Steps(1).Seconds;
                if (round > 0)
                {
                    results.Add((stall, copy, busy, quiet)); // the first round warms up
                }
            }

            NativeMemory.Free(source);
            NativeMemory.Free(destination);
            var (stalls, copies) = (Median(results.Select(r => r.Stall)), Median(results.Select(r => r.Copy)));
            var step = Median(results.Select(r => r.Quiet));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
                state: {bytes / 1e6:F1} MB; step: {step * 1e3:F1} ms
                stall: {stalls * 1e3:F2} ms, plain copy: {copies * 1e3:F2} ms, ratio of medians {stalls / copies:F2}, median of ratios {Median(results.Select(r => r.Stall / r.Copy)):F2}
                stall of the step's time: {stalls / step:P1} (a checkpoint every 100 steps: {stalls / step / 100:P3})
                step beside a save that is being written: {Median(results.Select(r => r.Busy)) * 1e3:F1} ms, {Median(results.Select(r => r.Busy / r.Quiet)):F2} of a quiet one
                """));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static CheckpointPosition Position(long step) => new() { Step = step, Batch = step, Tokens = 0, SkippedSteps = 0, Rollbacks = 0 };

    private static double Time(Action action)
    {
        var started = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);
}
