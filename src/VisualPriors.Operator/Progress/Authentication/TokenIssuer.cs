using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.IdentityModel.Tokens;

namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>Who issues a cluster's service-account tokens, and the public keys they are signed with.</summary>
/// <param name="Name">What tokens call their issuer.</param>
/// <param name="Keys">Keys by their id.</param>
internal sealed partial record TokenIssuer(string Name, IReadOnlyDictionary<string, SecurityKey> Keys)
{
    /// <summary>Reads the two documents of service account issuer discovery.</summary>
    /// <param name="configuration">OpenID configuration. Its <c>jwks_uri</c> may lead outside the cluster; nobody follows it.</param>
    /// <param name="keySet">JSON Web Key Set.</param>
    /// <exception cref="JsonException">One of them is malformed, or names no issuer or no key.</exception>
    public static TokenIssuer Parse(string configuration, string keySet)
    {
        var name = JsonSerializer.Deserialize(configuration, DocumentsJson.Default.Configuration)?.Issuer;
        var keys = new Dictionary<string, SecurityKey>(StringComparer.Ordinal);
        foreach (var key in SigningKeys(keySet).OfType<AsymmetricSecurityKey>().Where(key => !string.IsNullOrEmpty(key.KeyId)))
        {
            keys[key.KeyId] = key;
        }

        return string.IsNullOrEmpty(name) ? throw new JsonException("the OpenID configuration names no issuer")
            : keys.Count == 0 ? throw new JsonException("the key set has no public key with an id")
            : new TokenIssuer(name, keys);
    }

    private static IList<SecurityKey> SigningKeys(string keySet)
    {
        try
        {
            return new JsonWebKeySet(keySet).GetSigningKeys();
        }
        catch (ArgumentException e)
        {
            throw new JsonException(e.Message, e);
        }
    }

    private sealed record Configuration([property: JsonPropertyName("issuer")] string? Issuer);

    [JsonSerializable(typeof(Configuration))]
    private sealed partial class DocumentsJson : JsonSerializerContext;
}
