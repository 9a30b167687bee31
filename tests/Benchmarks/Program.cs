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
    default:
        Console.Error.WriteLine("usage: VisualPriors.Benchmarks training-throughput | all-reduce-bandwidth");
        return 2;
}
