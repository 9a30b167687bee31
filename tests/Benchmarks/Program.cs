using VisualPriors.Benchmarks;

switch (args)
{
    case ["training-throughput"]:
        TrainingThroughput.Run();
        return 0;
    case ["checkpoint-bandwidth", .. var folder] when folder.Length <= 1:
        await CheckpointBandwidth.RunAsync(folder is [var named] ? named : Path.GetTempPath()).ConfigureAwait(false);
        return 0;
    default:
        Console.Error.WriteLine("usage: VisualPriors.Benchmarks training-throughput | checkpoint-bandwidth [FOLDER]");
        return 2;
}
