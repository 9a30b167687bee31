using System.CommandLine;
using VisualPriors.Api.Schemas;

namespace VisualPriors.Cli.Commands;

/// <summary><c>vp crds</c>: the CustomResourceDefinitions, generated from the resources' types.</summary>
internal static class CrdsCommand
{
    public static CommandDefinition Create()
    {
        var output = new Option<string?>("--output") { Description = "Folder to write one file per kind into [default: all to standard output]." };
        var withoutRules = new Option<bool>("--without-rules")
        {
            Description = "Leave the rules in CEL out, for API servers before Kubernetes 1.25; the operator holds the same rules.",
        };
        var command = new Command("crds", "Write the CustomResourceDefinitions that a Kubernetes API server needs.") { output, withoutRules };
        return new CommandDefinition(command, async (parsed, cli, cancellationToken) =>
        {
            var files = parsed.GetValue(withoutRules) ? CustomResourceDefinitions.FilesWithoutRules : CustomResourceDefinitions.Files;
            if (parsed.GetValue(output) is not { } folder)
            {
                cli.Out.Write(string.Join("---\n", files.Values));
                return;
            }

            Directory.CreateDirectory(folder);
            foreach (var (name, text) in files)
            {
                await File.WriteAllTextAsync(Path.Combine(folder, name), text, cancellationToken).ConfigureAwait(false);
            }
        });
    }
}
