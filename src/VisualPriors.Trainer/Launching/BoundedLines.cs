using System.Globalization;
using System.Text;

namespace VisualPriors.Trainer.Launching;

/// <summary>Reads lines from a process that may write anything: no line takes more memory than its bound.</summary>
internal static class BoundedLines
{
    /// <summary>Reads to the end.</summary>
    /// <param name="reader">The stream.</param>
    /// <param name="maximumLength">Longest line passed on whole, in characters; of a longer one, so much, and how much was left out.</param>
    /// <param name="onLine">Hears every line, without its end.</param>
    public static async Task ReadAsync(TextReader reader, int maximumLength, Action<string> onLine)
    {
        var buffer = new char[4096];
        var line = new StringBuilder();
        long leftOut = 0;
        int count;
        while ((count = await reader.ReadAsync(buffer, CancellationToken.None).ConfigureAwait(false)) > 0)
        {
            var rest = buffer.AsMemory(0, count);
            while (rest.Span.IndexOf('\n') is >= 0 and var end)
            {
                Add(rest[..end]);
                Flush();
                rest = rest[(end + 1)..];
            }

            Add(rest);
        }

        if (line.Length > 0)
        {
            Flush();
        }

        void Add(ReadOnlyMemory<char> part)
        {
            var fits = Math.Min(part.Length, maximumLength - line.Length);
            line.Append(part.Span[..fits]);
            leftOut += part.Length - fits;
        }

        void Flush()
        {
            var text = line.ToString().TrimEnd('\r');
            onLine(leftOut == 0 ? text : string.Create(CultureInfo.InvariantCulture, $"{text} [{leftOut:N0} more characters]"));
            line.Clear();
            leftOut = 0;
        }
    }
}
