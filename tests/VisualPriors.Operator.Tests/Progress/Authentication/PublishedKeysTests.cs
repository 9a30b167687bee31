using System.Net;
using Microsoft.Extensions.Logging;
using VisualPriors.ControllerRuntime;
using VisualPriors.KubernetesTesting;
using VisualPriors.Operator.Progress.Authentication;

namespace VisualPriors.Operator.Tests.Progress.Authentication;

/// <summary>When the published keys are read, and what becomes of reports while they cannot be.</summary>
public sealed class PublishedKeysTests : IDisposable
{
    private static readonly PodIdentity Pod = new("team", "p", "u");
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);

    private readonly ManualTimeProvider _time = new();
    private readonly SigningAuthority _first = new("first");
    private readonly SigningAuthority _second = new("second");
    private readonly Lines _log = new();
    private readonly PublishedKeysVerifier _verifier;
    private readonly PublishedKeys _keys;
    private Func<Task<TokenIssuer>> _published;
    private int _readings;

    public PublishedKeysTests()
    {
        _published = () => Task.FromResult(_first.Published);
        _keys = new PublishedKeys(
            _ =>
            {
                _readings++;
                return _published();
            },
            _time,
            _log);
        _verifier = new PublishedKeysVerifier(_keys, _time);
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
    }

    [Fact]
    public async Task Keys_are_read_once_for_all_tokens_until_they_are_old()
    {
        Assert.Equal(Pod, await VerifyAsync(_first.Token()));
        _time.Advance(PublishedKeys.MaximumAge - Tick);
        Assert.Equal(Pod, await VerifyAsync(_first.Token()));
        Assert.Equal(1, _readings);
        _time.Advance(Tick);

        // Withdrawn meanwhile.
        _published = () => Task.FromResult(_second.Published);
        Assert.Null(await VerifyAsync(_first.Token()));
        Assert.Equal(2, _readings);
    }

    [Fact]
    public async Task Rotated_keys_are_read_when_the_first_token_comes_that_wants_them()
    {
        Assert.Equal(Pod, await VerifyAsync(_first.Token()));
        _published = () => Task.FromResult(_second.Published);
        _time.Advance(PublishedKeys.LeastInterval);
        Assert.Equal(Pod, await VerifyAsync(_second.Token()));
        Assert.Equal(2, _readings);
    }

    [Fact]
    public async Task So_is_the_issuer_s_new_name()
    {
        Assert.Equal(Pod, await VerifyAsync(_first.Token()));
        _published = () => Task.FromResult(_first.Published with { Name = "https://renamed" });
        _time.Advance(PublishedKeys.LeastInterval);
        Assert.Equal(Pod, await VerifyAsync(_first.Token("iss", "https://renamed")));
        Assert.Equal(2, _readings);
    }

    [Fact]
    public async Task Tokens_of_unknown_keys_make_them_be_read_no_oftener_than_once_in_a_while()
    {
        for (var i = 0; i < 50; i++)
        {
            Assert.Null(await VerifyAsync(_second.Token(id: $"made-up-{i}")));
        }

        Assert.Equal(1, _readings);
        _time.Advance(PublishedKeys.LeastInterval - Tick);
        Assert.Null(await VerifyAsync(_second.Token()));
        Assert.Equal(1, _readings);
        _time.Advance(Tick);
        for (var i = 0; i < 50; i++)
        {
            Assert.Null(await VerifyAsync(_second.Token(id: $"made-up-{i}")));
        }

        Assert.Equal(2, _readings);
    }

    [Fact]
    public async Task What_is_no_token_makes_nothing_be_read()
    {
        Assert.Null(await VerifyAsync("x.y.z"));
        Assert.Equal(0, _readings);
    }

    [Fact]
    public async Task All_who_come_meanwhile_wait_for_one_reading_and_one_who_leaves_does_not_end_it()
    {
        var answer = new TaskCompletionSource<TokenIssuer>();
        _published = () => answer.Task;
        using var leaves = new CancellationTokenSource();
        var left = _verifier.VerifyAsync(_first.Token(), leaves.Token);
        var others = Enumerable.Range(0, 20).Select(_ => VerifyAsync(_first.Token())).ToArray();
        _time.Advance(PublishedKeys.MaximumAge);
        var late = VerifyAsync(_second.Token());
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.Equal(1, _readings);
        _published = () => Task.FromResult(_first.Published);
        answer.SetResult(_first.Published);
        Assert.Null(await late);
        await Task.WhenAll(others);
    }

    [Fact]
    public async Task While_they_cannot_be_read_nobody_can_tell_and_the_server_is_left_in_peace()
    {
        var refusal = new KubernetesApiException("get /openid/v1/jwks", HttpStatusCode.Forbidden, null);
        _published = () => Task.FromException<TokenIssuer>(refusal);
        await _keys.AnnounceAsync(default);
        Assert.Equal($"Warning: {PublishedKeysWarning}{refusal.Message}", Assert.Single(_log.All));
        for (var i = 0; i < 50; i++)
        {
            await Assert.ThrowsAsync<VerifierUnavailableException>(() => VerifyAsync(_first.Token()));
        }

        Assert.Equal(1, _readings);
        _time.Advance(PublishedKeys.LeastInterval);
        await Assert.ThrowsAsync<VerifierUnavailableException>(() => VerifyAsync(_first.Token()));
        Assert.Equal(2, _readings);
        Assert.Single(_log.All);

        _published = () => Task.FromResult(_first.Published);
        _time.Advance(PublishedKeys.LeastInterval);
        Assert.Equal(Pod, await VerifyAsync(_first.Token()));
        Assert.Equal(
            $"Information: Tokens of progress reports are checked by the published keys (2) of {SigningAuthority.Issuer}", _log.All[1]);
        Assert.Equal(2, _log.All.Count);
    }

    [Fact]
    public async Task A_verdict_is_remembered_and_what_is_too_long_is_not_even_looked_at()
    {
        var counting = new Counting(_verifier);
        var authenticator = new TokenAuthenticator(counting, _time);
        var (good, bad) = (_first.Token(), _first.Token("aud", "another"));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Pod, await authenticator.AuthenticateAsync(good, default));
            Assert.Null(await authenticator.AuthenticateAsync(bad, default));
            Assert.Null(await authenticator.AuthenticateAsync(good + new string('A', TokenAuthenticator.MaximumTokenLength), default));
            Assert.Null(await authenticator.AuthenticateAsync("", default));
        }

        Assert.Equal(2, counting.Count);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Pod, await authenticator.AuthenticateAsync(good, default));
        Assert.Equal(3, counting.Count);
    }

    private const string PublishedKeysWarning =
        "Pods can report no progress (how runs end is known all the same): the API server's keys for service-account tokens cannot be read: ";

    private Task<PodIdentity?> VerifyAsync(string token) => _verifier.VerifyAsync(token, default);

    private sealed class Counting(ITokenVerifier inner) : ITokenVerifier
    {
        public int Count { get; private set; }

        public Task<PodIdentity?> VerifyAsync(string token, CancellationToken cancellationToken)
        {
            Count++;
            return inner.VerifyAsync(token, cancellationToken);
        }
    }

    private sealed class Lines : ILogger
    {
        public List<string> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Add($"{logLevel}: {formatter(state, exception)}");
    }
}
