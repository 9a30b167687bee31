namespace VisualPriors.Api.Plans;

/// <summary>Shortens texts for people: what they begin with says where, what they end with says what.</summary>
internal static class OutcomeText
{
    private const string Omission = " [...] ";

    /// <summary>A text of at most so many characters: whole, or its beginning and, twice as long, its end.</summary>
    public static string Cut(string text, int maximumLength)
    {
        if (text.Length <= maximumLength)
        {
            return text;
        }

        var room = Math.Max(0, maximumLength - Omission.Length);
        var head = room / 3;
        var tail = text.Length - (room - head);
        // A pair of surrogates is one character: half of it is none.
        head -= head > 0 && char.IsHighSurrogate(text[head - 1]) ? 1 : 0;
        tail += tail < text.Length && char.IsLowSurrogate(text[tail]) ? 1 : 0;
        return string.Concat(text.AsSpan(0, head), Omission, text.AsSpan(tail));
    }
}
