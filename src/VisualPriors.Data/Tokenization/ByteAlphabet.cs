using System.Text;

namespace VisualPriors.Data.Tokenization;

/// <summary>
/// The printable stand-ins for the 256 byte values that byte-level BPE writes its tokens with (GPT-2's table): printable Latin-1
/// characters stand for themselves, the others for U+0100 onwards in the order of their values.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] ByByte = Build();
    private static readonly Dictionary<char, byte> ByCharacter = ByByte.Select((c, b) => (c, b)).ToDictionary(pair => pair.c, pair => (byte)pair.b);

    /// <summary>The character of a byte value.</summary>
    public static char Character(byte value) => ByByte[value];

    /// <summary>A token's bytes as they are written.</summary>
    public static string Write(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (var value in bytes)
        {
            text.Append(ByByte[value]);
        }

        return text.ToString();
    }

    /// <summary>A written token's bytes; null if a character is not of the alphabet.</summary>
    public static byte[]? TryRead(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            if (!ByCharacter.TryGetValue(token[i], out bytes[i]))
            {
                return null;
            }
        }

        return bytes;
    }

    private static char[] Build()
    {
        var characters = new char[256];
        var next = (char)256;
        for (var value = 0; value < 256; value++)
        {
            characters[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)value : next++;
        }

        return characters;
    }
}
