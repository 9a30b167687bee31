using System.Text;

namespace VisualPriors.Data.Text.Sources;

/// <summary>Thins documents out to a size, evenly over their order.</summary>
internal static class EvenSelection
{
    /// <summary>
    /// All of <paramref name="texts"/> if they fit into <paramref name="maximumBytes"/> of UTF-8; else those that keep the taken share
    /// of every prefix closest below the wanted one, so that no part of the source is over-represented.
    /// </summary>
    public static IEnumerable<string> Take(IReadOnlyList<string> texts, long maximumBytes)
    {
        var total = texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text));
        if (total <= maximumBytes)
        {
            return texts;
        }

        return Thin();

        IEnumerable<string> Thin()
        {
            long seen = 0;
            long taken = 0;
            foreach (var text in texts)
            {
                var bytes = Encoding.UTF8.GetByteCount(text);
                seen += bytes;
                if (taken + bytes <= (Int128)seen * maximumBytes / total)
                {
                    taken += bytes;
                    yield return text;
                }
            }
        }
    }
}
