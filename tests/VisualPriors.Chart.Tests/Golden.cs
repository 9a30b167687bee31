namespace VisualPriors.Chart.Tests;

/// <summary>Files with what was found right once.</summary>
internal static class Golden
{
    private static readonly bool Update = Environment.GetEnvironmentVariable("VP_UPDATE_GOLDEN") == "1";

    /// <summary>Fails when a file does not hold a text; writes the file instead where VP_UPDATE_GOLDEN is 1.</summary>
    public static void Check(string path, string text)
    {
        if (Update)
        {
            File.WriteAllText(path, text);
        }

        Assert.True(File.Exists(path), $"{path} is missing: VP_UPDATE_GOLDEN=1 writes it.");
        Assert.Equal(File.ReadAllText(path), text);
    }
}
