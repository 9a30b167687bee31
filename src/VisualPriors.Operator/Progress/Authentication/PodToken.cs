using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using VisualPriors.Api.Plans;

namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>What makes a JSON Web Token one that an API server issued to a pod, for us.</summary>
internal static partial class PodToken
{
    /// <summary>What API servers sign with. Naming them keeps out no signature at all, and a public key taken for a shared secret.</summary>
    private static readonly string[] Algorithms =
        [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512];

    /// <summary>How far clocks may be apart: as much as API servers themselves allow.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    private static readonly JsonWebTokenHandler Handler = new() { MaximumTokenSizeInBytes = TokenAuthenticator.MaximumTokenLength };

    /// <summary>Takes a token apart, believing nothing of it; null where it is none.</summary>
    public static JsonWebToken? Read(string text)
    {
        try
        {
            return Handler.ReadJsonWebToken(text);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The pod that a token was issued to; null where anything about it is not as it has to be.</summary>
    public static async Task<PodIdentity?> IdentityAsync(JsonWebToken token, TokenIssuer issuer, DateTimeOffset now)
    {
        if (!issuer.Keys.TryGetValue(token.Kid ?? "", out var key))
        {
            return null;
        }

        var result = await Handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = issuer.Name,
            IssuerSigningKey = key,
            ValidAlgorithms = Algorithms,

            // Ours alone: whoever else a token is meant for could report in the pod's name.
            AudienceValidator = (audiences, _, _) => audiences.SequenceEqual([TrainerContract.ReportAudience]),

            // False also where one of the two times is missing.
            LifetimeValidator = (notBefore, expires, _, _) => notBefore - ClockSkew <= now.UtcDateTime && now.UtcDateTime < expires + ClockSkew,
        }).ConfigureAwait(false);
        return result.IsValid ? PodOf(token) : null;
    }

    private static PodIdentity? PodOf(JsonWebToken token)
    {
        try
        {
            var claims = JsonSerializer.Deserialize(Base64UrlEncoder.DecodeBytes(token.EncodedPayload), ClaimsJson.Default.Claims);
            return claims?.Kubernetes is { Namespace: { } @namespace, Pod: { Name: { } name, Uid: { } uid } }
                ? new PodIdentity(@namespace, name, uid)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The private claims of Kubernetes; a token that is bound to no pod has none of a pod.</summary>
    private sealed record Claims([property: JsonPropertyName("kubernetes.io")] KubernetesClaims? Kubernetes);

    private sealed record KubernetesClaims(
        [property: JsonPropertyName("namespace")] string? Namespace, [property: JsonPropertyName("pod")] ObjectClaims? Pod);

    private sealed record ObjectClaims([property: JsonPropertyName("name")] string? Name, [property: JsonPropertyName("uid")] string? Uid);

    [JsonSerializable(typeof(Claims))]
    private sealed partial class ClaimsJson : JsonSerializerContext;
}
