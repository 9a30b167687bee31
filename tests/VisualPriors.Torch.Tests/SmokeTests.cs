using static TorchSharp.torch;
namespace VisualPriors.Torch.Tests;
public sealed class SmokeTests
{
    [Fact]
    public void Loads() => Assert.Equal(3.0, ones(3).sum().item<float>());
}
