using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using VisualPriors.Api.Resources.Status;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Entities;
using VisualPriors.Operator.Runs;
using static VisualPriors.Operator.Tests.Runs.Observations;

namespace VisualPriors.Operator.Tests.Runs;

public sealed class StageClaimsTests : IAsyncDisposable
{
    private readonly Kubernetes _client = new(new KubernetesClientConfiguration { Host = "http://127.0.0.1:1" });
    private readonly KubernetesConnection _connection;
    private readonly ControllerManager _manager;
    private readonly StageClaims _claims;
    private int _version;

    public StageClaimsTests()
    {
        _connection = new KubernetesConnection(_client);
        _manager = new ControllerManager(_connection, new ControllerManagerOptions { Name = "test" }, NullLoggerFactory.Instance);
        _claims = new StageClaims(new RunCatalog(_manager));
    }

    public async ValueTask DisposeAsync()
    {
        await _manager.DisposeAsync();
        _connection.Dispose();
        _client.Dispose();
    }

    [Fact]
    public void Of_two_runs_that_ask_at_once_the_first_has_the_stage_until_it_gives_it_up()
    {
        var (older, younger) = (Written("older", 1), Written("younger", 2));
        Assert.Null(_claims.Claim(younger, Digest));
        Assert.Same(younger, _claims.Claim(older, Digest));
        Assert.Null(_claims.Claim(younger, Digest));
        Assert.Null(_claims.Claim(older, "another"));

        _claims.Release(older);
        Assert.Same(younger, _claims.Claim(older, Digest));
        _claims.Release(younger);
        Assert.Null(_claims.Claim(older, Digest));
    }

    [Fact]
    public void A_run_that_has_begun_goes_on_whoever_is_older()
    {
        var older = Written("older", 1);
        var younger = Written("younger", 2, new RunStatus { StageDigest = Digest, Phase = RunPhase.Starting, Attempt = 1 });
        Assert.Same(younger, _claims.Claim(older, Digest));
        Assert.Null(_claims.Claim(younger, Digest));
    }

    [Fact]
    public void A_run_that_is_resumed_waits_for_the_one_that_began_meanwhile()
    {
        var resumed = Written("resumed", 1, new RunStatus
        {
            StageDigest = Digest,
            Phase = RunPhase.Suspended,
            Attempt = 1,
            Conditions = Conditions.With(null, ConditionTypes.Suspended, true, "Suspended", "held", 1, Now),
        });
        Assert.Null(_claims.Claim(Written("first", 2), Digest));
        _claims.Release(resumed);
        var begun = Written("first", 2, new RunStatus { StageDigest = Digest, Phase = RunPhase.Running, Attempt = 1 });
        _claims.Release(begun);
        Assert.Same(begun, _claims.Claim(resumed, Digest));
    }

    /// <summary>A run as the server returned it from a write.</summary>
    private PretrainRunEntity Written(string name, int age, RunStatus? status = null)
    {
        var run = new PretrainRunEntity
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = "team",
                Uid = name,
                CreationTimestamp = Now.AddDays(age).UtcDateTime,
                ResourceVersion = $"{++_version}",
            },
            Status = status,
        };
        _manager.Cache<PretrainRunEntity>().Observe(run);
        return run;
    }
}
