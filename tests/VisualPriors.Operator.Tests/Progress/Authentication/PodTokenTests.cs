using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using VisualPriors.Api.Plans;
using VisualPriors.Operator.Progress.Authentication;
using static VisualPriors.Operator.Tests.Progress.Authentication.SigningAuthority;

namespace VisualPriors.Operator.Tests.Progress.Authentication;

public sealed class PodTokenTests : IDisposable
{
    private static readonly Dictionary<string, Func<SigningAuthority, string>> Right = new(StringComparer.Ordinal)
    {
        ["as an API server makes it"] = authority => authority.Token(),
        ["signed on a curve"] = authority => authority.Token(algorithm: "ES256"),
        ["one audience, not in a list"] = authority => authority.Token("aud", TrainerContract.ReportAudience),
        ["expired by less than clocks may be apart"] = authority => authority.Token("exp", Seconds(-59)),
        ["valid soon, by less than clocks may be apart"] = authority => authority.Token("nbf", Seconds(59)),
    };

    private static readonly Dictionary<string, Func<SigningAuthority, string>> Wrong = new(StringComparer.Ordinal)
    {
        ["signed by another under our key's id"] = _ => Another(authority => authority.Token()),
        ["changed after it was signed"] = authority => Swap(authority.Token(), 1, Text(Claims())),
        ["without its signature"] = authority => Swap(authority.Token(), 2, ""),
        ["not signed at all"] = authority => authority.Token(algorithm: "none"),
        ["not signed at all, with the signature of another"] = authority => Swap(authority.Token(algorithm: "none"), 2, authority.Token().Split('.')[2]),
        ["signed with the public key for a secret"] = authority => authority.Token(algorithm: "HS256"),
        ["rightly signed in a way that API servers do not"] = authority => authority.Token(algorithm: "PS256"),
        ["said to be of a curve, by an RSA key"] = authority => authority.Token(algorithm: "ES256", id: "first"),
        ["of an unknown key"] = authority => authority.Token(id: "second"),
        ["of a key without id"] = authority => authority.Token(id: ""),
        ["with a number for the key's id"] = authority => authority.Token(id: 1),
        ["with its own key along"] = _ => Another(authority => authority.Token(
            new JsonObject { ["alg"] = "RS256", ["kid"] = "first", ["jwk"] = JsonNode.Parse(authority.KeySet)!["keys"]![0]!.DeepClone() }, Claims())),
        ["for the API server"] = authority => authority.Token("aud", new JsonArray(Issuer)),
        ["for us and another"] = authority => authority.Token("aud", new JsonArray(TrainerContract.ReportAudience, "another")),
        ["for nobody"] = authority => authority.Token("aud", new JsonArray()),
        ["for a number"] = authority => authority.Token("aud", 7),
        ["without audience"] = authority => authority.Token("aud", null),
        ["of another cluster"] = authority => authority.Token("iss", $"{Issuer}.cluster.local"),
        ["of an issuer that is a number"] = authority => authority.Token("iss", 7),
        ["without issuer"] = authority => authority.Token("iss", null),
        ["expired"] = authority => authority.Token("exp", Seconds(-61)),
        ["not valid yet"] = authority => authority.Token("nbf", Seconds(61)),
        ["valid for ever"] = authority => authority.Token("exp", null),
        ["valid till a time that is none"] = authority => authority.Token("exp", "tomorrow"),
        ["valid till a time beyond all times"] = authority => authority.Token("exp", long.MaxValue),
        ["valid since ever"] = authority => authority.Token("nbf", null),
        ["of nobody that Kubernetes knows"] = authority => authority.Token("kubernetes.io", null),
        ["of a text"] = authority => authority.Token("kubernetes.io", "pod"),
        ["of a service account without pod"] = authority => authority.Token("kubernetes.io", new JsonObject { ["namespace"] = "team" }),
        ["of a pod without namespace"] = authority => authority.Token(
            "kubernetes.io", new JsonObject { ["pod"] = new JsonObject { ["name"] = "p", ["uid"] = "u" } }),
        ["of a pod without uid"] = authority => authority.Token(
            "kubernetes.io", new JsonObject { ["namespace"] = "team", ["pod"] = new JsonObject { ["name"] = "p" } }),
        ["of a pod without name"] = authority => authority.Token(
            "kubernetes.io", new JsonObject { ["namespace"] = "team", ["pod"] = new JsonObject { ["uid"] = "u" } }),
    };

    private readonly SigningAuthority _authority = new();

    public static TheoryData<string> RightCases { get; } = [.. Right.Keys];

    public static TheoryData<string> WrongCases { get; } = [.. Wrong.Keys];

    public static TheoryData<string> Garbage { get; } =
    [
        "", " ", ".", "..", "....", "x", "x.y.z", "a.b", "e30.e30.", "e30.e30.e30", "W10.W10.W10", "bnVsbA.bnVsbA.bnVsbA", "\0.\0.\0", "ä.ö.ü",
        "eyJhbGciOiJSUzI1NiJ9.e30.!", "a.b.c.d.e", new string('a', 20_000), new string('.', 20_000),
    ];

    public void Dispose() => _authority.Dispose();

    [Theory]
    [MemberData(nameof(RightCases))]
    public async Task A_token_of_a_pod_for_us_is_that_pod_s(string what) =>
        Assert.Equal(new PodIdentity("team", "p", "u"), await IdentityAsync(Right[what](_authority)));

    [Theory]
    [MemberData(nameof(WrongCases))]
    public async Task A_token_with_anything_wrong_is_nobody_s(string what) => Assert.Null(await IdentityAsync(Wrong[what](_authority)));

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task Garbage_is_nobody_s(string text) => Assert.Null(await IdentityAsync(text));

    [Fact]
    public async Task So_is_every_token_with_one_character_changed()
    {
        // In the last one of each part only some bits count.
        var token = _authority.Token();
        for (var i = 0; i < token.Length; i += 7)
        {
            if (token[i] != '.' && i + 1 < token.Length && token[i + 1] != '.')
            {
                Assert.Null(await IdentityAsync($"{token[..i]}{(token[i] == 'A' ? 'B' : 'A')}{token[(i + 1)..]}"));
            }
        }
    }

    [Theory]
    [InlineData("{}", "names no issuer")]
    [InlineData("""{"issuer": ""}""", "names no issuer")]
    [InlineData("""{"issuer": 7}""", "")]
    [InlineData("<html>", "")]
    [InlineData("null", "names no issuer")]
    public void A_configuration_without_issuer_is_none(string configuration, string reason) =>
        Assert.Contains(reason, Assert.ThrowsAny<JsonException>(() => TokenIssuer.Parse(configuration, _authority.KeySet)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"keys": 7}""")]
    [InlineData("""{"keys": []}""")]
    [InlineData("""{"keys": [{"kty": "RSA", "use": "sig", "kid": "a", "n": "!", "e": "AQAB"}]}""")]
    [InlineData("""{"keys": [{"kty": "RSA", "use": "sig", "n": "xGOr-H7A", "e": "AQAB"}]}""")]
    [InlineData("""{"keys": [{"kty": "oct", "kid": "a", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}""")]
    public void A_key_set_without_public_key_is_none(string keySet) =>
        Assert.ThrowsAny<JsonException>(() => TokenIssuer.Parse(Configuration(Issuer), keySet));

    private static JsonNode Seconds(int seconds) => Now.AddSeconds(seconds).ToUnixTimeSeconds();

    private static string Another(Func<SigningAuthority, string> token)
    {
        using var another = new SigningAuthority();
        return token(another);
    }

    private static string Text(JsonObject claims)
    {
        claims["kubernetes.io"]!["pod"]!["uid"] = "another";
        return Encode(Encoding.UTF8.GetBytes(claims.ToJsonString()));
    }

    private static string Swap(string token, int part, string with)
    {
        var parts = token.Split('.');
        parts[part] = with;
        return string.Join('.', parts);
    }

    private async Task<PodIdentity?> IdentityAsync(string token) =>
        PodToken.Read(token) is { } read ? await PodToken.IdentityAsync(read, _authority.Published, Now) : null;
}
