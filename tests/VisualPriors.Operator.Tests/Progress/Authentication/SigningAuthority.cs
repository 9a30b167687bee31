using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using VisualPriors.Api.Plans;
using VisualPriors.Operator.Progress.Authentication;

namespace VisualPriors.Operator.Tests.Progress.Authentication;

/// <summary>Signs tokens as an API server does, and as one should not be believed. By hand: the library under test is not asked what is right.</summary>
internal sealed class SigningAuthority(string keyId = "first") : IDisposable
{
    public const string Issuer = "https://kubernetes.default.svc";

    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>Its public RSA key, as <c>openssl rsa -pubout</c> writes it.</summary>
    public string PublicPem => _rsa.ExportSubjectPublicKeyInfoPem();

    /// <summary>Its public keys: an RSA key, and one of a curve under the id <c>curve</c>.</summary>
    public string KeySet
    {
        get
        {
            var rsa = _rsa.ExportParameters(false);
            var point = _curve.ExportParameters(false).Q;
            return new JsonObject
            {
                ["keys"] = new JsonArray(
                    new JsonObject { ["kty"] = "RSA", ["use"] = "sig", ["alg"] = "RS256", ["kid"] = keyId, ["n"] = Encode(rsa.Modulus!), ["e"] = Encode(rsa.Exponent!) },
                    new JsonObject { ["kty"] = "EC", ["use"] = "sig", ["alg"] = "ES256", ["kid"] = "curve", ["crv"] = "P-256", ["x"] = Encode(point.X!), ["y"] = Encode(point.Y!) }),
            }.ToJsonString();
        }
    }

    /// <summary>What it publishes.</summary>
    public TokenIssuer Published => TokenIssuer.Parse(Configuration(Issuer), KeySet);

    public static string Configuration(string issuer) =>
        new JsonObject { ["issuer"] = issuer, ["jwks_uri"] = "https://192.0.2.1:6443/openid/v1/jwks" }.ToJsonString();

    /// <summary>The claims of a token that is right in every way.</summary>
    public static JsonObject Claims() => new()
    {
        ["iss"] = Issuer,
        ["aud"] = new JsonArray(TrainerContract.ReportAudience),
        ["nbf"] = Now.AddMinutes(-5).ToUnixTimeSeconds(),
        ["iat"] = Now.AddMinutes(-5).ToUnixTimeSeconds(),
        ["exp"] = Now.AddMinutes(5).ToUnixTimeSeconds(),
        ["sub"] = "system:serviceaccount:team:default",
        ["kubernetes.io"] = new JsonObject
        {
            ["namespace"] = "team",
            ["pod"] = new JsonObject { ["name"] = "p", ["uid"] = "u" },
            ["serviceaccount"] = new JsonObject { ["name"] = "default", ["uid"] = "s" },
        },
    };

    /// <summary>A token that is right but for one claim.</summary>
    public string Token(string claim, JsonNode? value)
    {
        var claims = Claims();
        claims.Remove(claim);
        if (value is not null)
        {
            claims[claim] = value;
        }

        return Token(claims);
    }

    /// <summary>A token, signed by the key that fits the algorithm.</summary>
    public string Token(JsonObject? claims = null, string algorithm = "RS256", JsonNode? id = null)
    {
        var header = new JsonObject { ["alg"] = algorithm, ["kid"] = id ?? (algorithm.StartsWith("ES", StringComparison.Ordinal) ? "curve" : keyId) };
        return Token(header, claims ?? Claims());
    }

    /// <summary>A token with a header of one's own.</summary>
    public string Token(JsonObject header, JsonObject claims)
    {
        var text = $"{Encode(Encoding.UTF8.GetBytes(header.ToJsonString()))}.{Encode(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        var bytes = Encoding.ASCII.GetBytes(text);
        var signature = (string?)header["alg"] switch
        {
            "none" => [],
            "HS256" => HMACSHA256.HashData(Encoding.ASCII.GetBytes(PublicPem), bytes),
            "PS256" => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
            "ES256" => _curve.SignData(bytes, HashAlgorithmName.SHA256),
            _ => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        };
        return $"{text}.{Encode(signature)}";
    }

    public void Dispose()
    {
        _rsa.Dispose();
        _curve.Dispose();
    }

    public static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
