using System.Globalization;

namespace VisualPriors.Evaluation.Reports;

/// <summary>Numbers as people read them.</summary>
internal static class Show
{
    /// <summary>A narrow space that does not break: between digits' groups and before a unit.</summary>
    private const string Thin = "\u202f";

    /// <summary>A fraction as a percentage.</summary>
    public static string Percent(double fraction, int decimals = 1) =>
        (100 * fraction).ToString($"F{decimals}", CultureInfo.InvariantCulture) + Thin + "%";

    /// <summary>A range of fractions as percentages.</summary>
    public static string Range(double low, double high) => string.Create(CultureInfo.InvariantCulture, $"{100 * low:F1} – {100 * high:F1}{Thin}%");

    /// <summary>A whole number with its digits grouped.</summary>
    public static string Count(double number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A number with at most the digits that matter, and a letter for thousands and millions.</summary>
    public static string Short(double number) => Math.Abs(number) switch
    {
        >= 1e9 => (number / 1e9).ToString("0.##", CultureInfo.InvariantCulture) + Thin + "B",
        >= 1e6 => (number / 1e6).ToString("0.##", CultureInfo.InvariantCulture) + Thin + "M",
        >= 1e4 => (number / 1e3).ToString("0.#", CultureInfo.InvariantCulture) + Thin + "k",
        _ => number.ToString("#,0.####", CultureInfo.InvariantCulture),
    };

    /// <summary>A loss in nats.</summary>
    public static string Loss(double loss) => loss.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>A stretch of time.</summary>
    public static string Duration(double seconds) => seconds switch
    {
        < 10 => seconds.ToString("0.0", CultureInfo.InvariantCulture) + Thin + "s",
        < 60 => seconds.ToString("0", CultureInfo.InvariantCulture) + Thin + "s",
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 60}{Thin}min {(int)seconds % 60:00}{Thin}s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 3600}{Thin}h {(int)seconds % 3600 / 60:00}{Thin}min"),
    };

    /// <summary>The beginning of a digest.</summary>
    public static string Digest(string digest) => digest.Length > 12 ? digest[..12] : digest;

    /// <summary>A stage's kind in words.</summary>
    public static string Kind(string kind) => kind switch
    {
        "pretrain" => "Language pre-training",
        "align" => "Visual alignment",
        "sft" => "Instruction tuning",
        "eval" => "Evaluation",
        _ => kind,
    };
}
