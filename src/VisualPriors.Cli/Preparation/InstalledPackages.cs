using System.Text.Json;
using VisualPriors.Api.Errors;

namespace VisualPriors.Cli.Preparation;

/// <summary>Versions of the npm packages that data is made from: part of what decides its content.</summary>
internal static class InstalledPackages
{
    /// <summary>Name and version of packages, as <c>name@version</c> separated by spaces.</summary>
    /// <exception cref="InvalidInputException">A package is missing or its <c>package.json</c> is damaged.</exception>
    public static string Versions(string nodeModules, IEnumerable<string> packages) =>
        string.Join(' ', packages.Select(package => $"{package}@{VersionOf(Path.Combine(nodeModules, package, "package.json"), package)}"));

    private static string VersionOf(string path, string package)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.GetProperty("version").GetString() ?? "";
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException(path, null, "no such file", $"the npm package {package} (deploy/setup.sh installs it)");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidInputException(path, "version", e.Message, "a package.json with a version");
        }
    }
}
