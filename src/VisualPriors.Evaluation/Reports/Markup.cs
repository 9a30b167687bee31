using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;

namespace VisualPriors.Evaluation.Reports;

/// <summary>
/// HTML under construction. Text reaches it only through interpolation holes, which are encoded, so that a hostile name cannot
/// become markup; what stands literally in our code, and other <see cref="Markup"/>, goes in as it is.
/// </summary>
internal sealed class Markup
{
    private readonly StringBuilder _text = new();

    /// <summary>Markup from one interpolated string.</summary>
    public static Markup Of(ref Handler handler) => handler.Markup;

    /// <summary>Markup that is already safe: our own style and script, and JSON written with the default (HTML-safe) encoder.</summary>
    public static Markup Trusted(string markup)
    {
        var result = new Markup();
        result._text.Append(markup);
        return result;
    }

    /// <summary>Appends an interpolated string.</summary>
    public Markup Add(ref Handler handler)
    {
        _text.Append(handler.Markup._text);
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    /// <summary>Collects an interpolated string, encoding its holes.</summary>
    [InterpolatedStringHandler]
    internal readonly struct Handler
    {
        private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(System.Text.Unicode.UnicodeRanges.All);

        public Handler(int literalLength, int formattedCount)
        {
            Markup = new Markup();
            Markup._text.EnsureCapacity(literalLength + (8 * formattedCount));
        }

        public Markup Markup { get; }

        public void AppendLiteral(string text) => Markup._text.Append(text);

        public void AppendFormatted(string? text) => Markup._text.Append(Encoder.Encode(text ?? ""));

        public void AppendFormatted(long number) => Markup._text.Append(CultureInfo.InvariantCulture, $"{number}");

        /// <summary>A coordinate: two decimals are finer than a screen.</summary>
        public void AppendFormatted(double number) => Markup._text.Append(number.ToString("0.##", CultureInfo.InvariantCulture));

        public void AppendFormatted(Markup markup) => Markup._text.Append(markup._text);
    }
}
