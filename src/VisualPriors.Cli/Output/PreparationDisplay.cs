using System.Globalization;
using Spectre.Console;
using VisualPriors.Cli.Preparation;

namespace VisualPriors.Cli.Output;

/// <summary>Shows the preparation of data while it goes on: bars on a terminal, lines elsewhere, JSON where it was asked for.</summary>
internal static class PreparationDisplay
{
    /// <summary>Shows what <paramref name="prepare"/> reports.</summary>
    public static Task ShowAsync(CliOutput cli, Func<IProgress<PreparationProgress>, Task> prepare)
    {
        if (cli.IsJson)
        {
            return prepare(new Reporter(step => cli.WriteJson(new PreparationEvent(step.Step, step.Fraction, step.Detail), CliJson.Line.PreparationEvent)));
        }

        return cli.IsTerminal
            ? cli.Console.Progress()
                .AutoClear(false)
                .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new ElapsedTimeColumn())
                .StartAsync(context => prepare(Bars(context)))
            : prepare(Lines(cli.Out));
    }

    private static Reporter Bars(ProgressContext context)
    {
        var bars = new Dictionary<string, ProgressTask>(StringComparer.Ordinal);
        return new Reporter(step =>
        {
            if (!bars.TryGetValue(step.Step, out var bar))
            {
                bars[step.Step] = bar = context.AddTask(Markup.Escape(step.Step), maxValue: 1);
            }

            bar.Value = step.Fraction;
            bar.Description = Markup.Escape(step.Detail.Length == 0 ? step.Step : $"{step.Step}: {step.Detail}");
        });
    }

    /// <summary>A line when a step says something new.</summary>
    private static Reporter Lines(TextWriter output)
    {
        var said = new Dictionary<string, (string Detail, bool IsDone)>(StringComparer.Ordinal);
        return new Reporter(step =>
        {
            var now = (step.Detail, IsDone: step.Fraction >= 1);
            if (!said.TryGetValue(step.Step, out var before) || before != now)
            {
                said[step.Step] = now;
                var state = now.IsDone ? "done" : step.Fraction.ToString("P0", CultureInfo.InvariantCulture);
                output.WriteLine($"{step.Step}: {state}  {step.Detail}".TrimEnd());
                output.Flush();
            }
        });
    }

    /// <summary>Reports at once, one at a time: <see cref="Progress{T}"/> would let reports overtake each other.</summary>
    private sealed class Reporter(Action<PreparationProgress> report) : IProgress<PreparationProgress>
    {
        private readonly Lock _lock = new();

        public void Report(PreparationProgress value)
        {
            lock (_lock)
            {
                report(value);
            }
        }
    }
}
