using System.Text.Json;
using Serilog;

namespace VisualPriors.Trainer.Launching;

/// <summary>A launcher's log, its ranks' lines in it: text with the speaker's name before it, or JSON, one object a line.</summary>
/// <param name="write">Takes a line, from any thread.</param>
/// <param name="json">Writes what is no JSON yet as JSON, with the launcher's own properties; null for text.</param>
internal sealed class LaunchLog(Action<string> write, ILogger? json = null)
{
    /// <summary>A line of the launcher's own.</summary>
    public void Say(string line)
    {
        if (json is null)
        {
            write($"[launch] {line}");
        }
        else
        {
            json.Information("{Line:l}", line);
        }
    }

    /// <summary>A line of a rank's: as it is where it is JSON already; what native libraries print is not.</summary>
    public void Pass(int rank, string line)
    {
        if (json is null)
        {
            write($"[rank {rank}] {line}");
        }
        else if (IsEvent(line))
        {
            write(line);
        }
        else
        {
            json.ForContext("Rank", rank).Information("{Line:l}", line);
        }
    }

    /// <summary>A line for people: of JSON the message and the exception.</summary>
    public static string Readable(string line)
    {
        if (!IsEvent(line))
        {
            return line;
        }

        try
        {
            using var document = JsonDocument.Parse(line);
            var message = Text(document, "@m");
            return message is null ? line : Text(document, "@x") is { } exception ? $"{message}\n{exception}" : message;
        }
        catch (JsonException)
        {
            return line;
        }
    }

    private static bool IsEvent(string line) => line.StartsWith("{\"@", StringComparison.Ordinal) && line.EndsWith('}');

    private static string? Text(JsonDocument document, string name) =>
        document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
