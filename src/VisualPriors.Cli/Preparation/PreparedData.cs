using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using VisualPriors.Api.Errors;
using VisualPriors.Storage;

namespace VisualPriors.Cli.Preparation;

/// <summary>
/// Remembers from what every prepared data set was made (<c>prepared.json</c> beside them), so that a second preparation makes only
/// what is missing, damaged, or would come out differently.
/// </summary>
internal sealed class PreparedData
{
    private const string FileName = "prepared.json";
    private readonly string _root;
    private readonly Dictionary<string, PreparedEntry> _entries;

    private PreparedData(string root, Dictionary<string, PreparedEntry> entries)
    {
        _root = root;
        _entries = entries;
    }

    /// <summary>Reads the record below a data root; none, or one that cannot be read, means that nothing is known.</summary>
    public static PreparedData Open(string root)
    {
        try
        {
            var entries = JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(root, FileName)), PreparedJson.Default.DictionaryStringPreparedEntry);
            return new PreparedData(root, entries ?? []);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return new PreparedData(root, []);
        }
    }

    /// <summary>Folder of a data set.</summary>
    public string PathOf(string name) => Path.Combine(_root, name);

    /// <summary>Gives a data set, made anew unless one made from the same things lies there whole.</summary>
    /// <param name="name">The data set's name.</param>
    /// <param name="madeFrom">Everything that decides its content.</param>
    /// <param name="make">Makes it at a folder.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>Its content digest, and whether it was there already.</returns>
    public (string Digest, bool Reused) Ensure(string name, string madeFrom, Func<string, Artifact> make, CancellationToken cancellationToken)
    {
        var recipe = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(madeFrom)));
        if (_entries.TryGetValue(name, out var entry) && entry.Recipe == recipe && IsWhole(name, entry.Digest, cancellationToken))
        {
            return (entry.Digest, true);
        }

        var digest = make(PathOf(name)).Digest;
        _entries[name] = new PreparedEntry(recipe, digest);
        Save();
        return (digest, false);
    }

    private bool IsWhole(string name, string digest, CancellationToken cancellationToken)
    {
        try
        {
            var artifact = Artifact.Open(PathOf(name));
            artifact.Verify(cancellationToken);
            return artifact.Digest == digest;
        }
        catch (InvalidInputException)
        {
            return false;
        }
    }

    private void Save()
    {
        var path = Path.Combine(_root, FileName);
        var written = path + ".new";
        File.WriteAllBytes(written, JsonSerializer.SerializeToUtf8Bytes(_entries, PreparedJson.Default.DictionaryStringPreparedEntry));
        File.Move(written, path, overwrite: true);
    }
}

/// <summary>A data set as it was made.</summary>
/// <param name="Recipe">SHA-256 of everything that decided its content.</param>
/// <param name="Digest">Its content digest.</param>
internal sealed record PreparedEntry(string Recipe, string Digest);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(Dictionary<string, PreparedEntry>))]
internal sealed partial class PreparedJson : JsonSerializerContext;
