using VisualPriors.Distributed.Communication;
using static TorchSharp.torch;

namespace VisualPriors.Distributed.Tests;

public sealed class SingleProcessTests
{
    [Fact]
    public void Collectives_of_one_leave_what_is_there()
    {
        using var world = new SingleProcess();
        using var input = tensor(new float[] { 1, 2, 3 });
        using var output = zeros(3);
        world.Everyone.ReduceScatter(input, output).Wait();
        Assert.Equal([1, 2, 3], output.data<float>().ToArray());
        Assert.Equal([[7]], world.Steps.AllGather([7], CancellationToken.None));
    }
}
