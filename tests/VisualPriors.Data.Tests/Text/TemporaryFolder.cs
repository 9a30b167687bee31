namespace VisualPriors.Data.Tests.Text;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("visualpriors-text-");

    public string Root => _folder.FullName;

    public string Path(string relative)
    {
        var path = System.IO.Path.Combine(Root, relative);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        return path;
    }

    public string Write(string relative, string content)
    {
        File.WriteAllText(Path(relative), content);
        return Path(relative);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
