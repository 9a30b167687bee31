using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;

namespace VisualPriors.Cli.Output;

/// <summary>Where a command writes: results to standard output, as text or JSON, errors to standard error.</summary>
internal sealed class CliOutput
{
    /// <summary>Width of tables that no terminal bounds: none of ours is wider.</summary>
    private const int WidthWithoutTerminal = 200;

    private readonly TextWriter _error;

    public CliOutput(TextWriter output, TextWriter error, bool isJson)
    {
        Out = output;
        _error = error;
        IsJson = isJson;
        Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (!IsTerminal)
        {
            Console.Profile.Width = WidthWithoutTerminal;
        }
    }

    /// <summary>Whether standard output is for a program to read.</summary>
    public bool IsJson { get; }

    /// <summary>Whether somebody watches standard output.</summary>
    public bool IsTerminal => Console.Profile.Out.IsTerminal;

    /// <summary>Standard output, for plain lines.</summary>
    public TextWriter Out { get; }

    /// <summary>Standard output, for tables and bars.</summary>
    public IAnsiConsole Console { get; }

    /// <summary>Writes a JSON document or line.</summary>
    public void WriteJson<T>(T value, JsonTypeInfo<T> type)
    {
        Out.WriteLine(JsonSerializer.Serialize(value, type));
        Out.Flush();
    }

    /// <summary>Writes an error: text to standard error, with <c>--json</c> also an object to standard output.</summary>
    public void Write(ErrorReport report)
    {
        foreach (var line in report.Errors.Count > 0 ? report.Errors.Select(error => error.ToString()) : [report.Message])
        {
            _error.WriteLine($"error: {line}");
        }

        if (IsJson)
        {
            WriteJson(new ErrorDocument(report), CliJson.Line.ErrorDocument);
        }
    }
}
