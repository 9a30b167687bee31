using VisualPriors.Benchmarks;

switch (args)
{
    case ["training-throughput"]:
        TrainingThroughput.Run();
        return 0;
    default:
        Console.Error.WriteLine("usage: VisualPriors.Benchmarks training-throughput");
        return 2;
}
