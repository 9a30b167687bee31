namespace VisualPriors.Models.Tests;

/// <summary>A folder for one test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("vp-models-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
