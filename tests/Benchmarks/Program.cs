using VisualPriors.Benchmarks;

switch (args)
{
    case ["training-throughput"]:
        TrainingThroughput.Run();
        return 0;
    case ["all-reduce-bandwidth"]:
        return AllReduceBandwidth.Run();
    case ["all-reduce-bandwidth", "second", var port]:
        return AllReduceBandwidth.RunSecond(port);
    case ["checkpoint-stall"]:
        CheckpointStall.Run();
        return 0;
    case ["checkpoint-bandwidth", .. var folder] when folder.Length <= 1:
        await CheckpointBandwidth.RunAsync(folder is [var named] ? named : Path.GetTempPath()).ConfigureAwait(false);
        return 0;
    case ["rank-throughput"]:
        RankThroughput.Run(zeroStage: 1);
        RankThroughput.Run(zeroStage: 2);
        return 0;
    case ["device-training", var device]:
        return DeviceTraining.Run(Enum.Parse<TorchSharp.DeviceType>(device, ignoreCase: true)) ? 0 : 1;
    case ["operator-throughput", .. var options] when OperatorThroughputOptions.TryRead(options) is { } read:
        return await OperatorThroughput.RunAsync(read).ConfigureAwait(false);
    case [SyntheticRanks.Argument, .. var arguments]:
        SyntheticRanks.RunRank(arguments);
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: VisualPriors.Benchmarks training-throughput | all-reduce-bandwidth | rank-throughput | checkpoint-stall
                   VisualPriors.Benchmarks checkpoint-bandwidth [FOLDER]
                   VisualPriors.Benchmarks device-training cpu|cuda
                   VisualPriors.Benchmarks operator-throughput [--runs 1000] [--nodes 8] [--accepted 15000]
            """);
        return 2;
}
