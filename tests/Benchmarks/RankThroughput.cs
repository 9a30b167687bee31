using System.Globalization;
using TorchSharp;

namespace VisualPriors.Benchmarks;

/// <summary>
/// Tokens per second of each of two processes that train together over TCP, one thread each, against one process alone with one thread: what
/// sharing out costs. As many samples per process; the two ways take turns in one run.
/// </summary>
internal static class RankThroughput
{
    private const int Rounds = 5;
    private const int StepsPerRound = 6;

    public static void Run(int zeroStage)
    {
        using var alone = new SyntheticRanks(Model(globalBatchSize: 8, zeroStage), size: 1);
        using var together = new SyntheticRanks(Model(globalBatchSize: 16, zeroStage), size: 2);
        alone.Steps(StepsPerRound);
        together.Steps(StepsPerRound);
        var ratios = new List<double>();
        for (var round = 1; round <= Rounds; round++)
        {
            var one = alone.Steps(StepsPerRound).TokensPerSecond;
            var each = together.Steps(StepsPerRound).TokensPerSecond / 2;
            ratios.Add(each / one);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"round {round}: alone {one:F0} tokens/s, each of two {each:F0} tokens/s, ratio {ratios[^1]:F3}"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ZeRO {zeroStage}: median ratio {ratios.Order().ElementAt(Rounds / 2):F3}"));
    }

    private static SyntheticModel Model(int globalBatchSize, int zeroStage) =>
        new("nano", DeviceType.CPU, torch.ScalarType.BFloat16, globalBatchSize, Length: 256, zeroStage);
}
