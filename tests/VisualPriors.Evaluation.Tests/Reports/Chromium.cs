using System.Diagnostics;

namespace VisualPriors.Evaluation.Tests.Reports;

/// <summary>Opens a page in a real browser, without a window and without a network.</summary>
internal static class Chromium
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    /// <summary>The page as the browser built it, and what its console said.</summary>
    public static (string Dom, string[] Console) Open(string page)
    {
        var program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
        Assert.True(program is not null, "These tests open the report in Chromium, which is missing here. Install it: apt-get install chromium (test.sh does).");
        var profile = Directory.CreateTempSubdirectory("vp-chromium-").FullName;
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program,
                ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND",
                    "--enable-logging=stderr", "--log-level=0", $"--user-data-dir={profile}", "--window-size=1200,900", "--dump-dom", new Uri(page).AbsoluteUri])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var errors = process.StandardError.ReadToEndAsync();
            var dom = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (dom, [.. errors.Result.Split('\n').Where(line => line.Contains(":CONSOLE", StringComparison.Ordinal))]);
        }
        finally
        {
            Directory.Delete(profile, recursive: true);
        }
    }
}
