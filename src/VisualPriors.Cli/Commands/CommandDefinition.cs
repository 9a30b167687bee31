using System.CommandLine;
using VisualPriors.Cli.Output;

namespace VisualPriors.Cli.Commands;

/// <summary>A command and what it does; failures are exceptions.</summary>
/// <param name="Command">Name, help and options.</param>
/// <param name="ExecuteAsync">What it does with a parsed command line.</param>
internal sealed record CommandDefinition(Command Command, Func<ParseResult, CliOutput, CancellationToken, Task> ExecuteAsync);
