using System.Text.Json.Serialization;

namespace VisualPriors.Api.Resources.Status;

/// <summary>Where a run or pipeline stands, in one word; derived from its conditions.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunPhase>))]
public enum RunPhase
{
    /// <summary>Not looked at yet, or refused: the Accepted condition says why.</summary>
    Pending,

    /// <summary>Accepted; waits for its upstream, or for another run that computes the same.</summary>
    Waiting,

    /// <summary>Its pods are being made and scheduled, or will be after a back-off.</summary>
    Starting,

    /// <summary>All its pods run.</summary>
    Running,

    /// <summary>Held by <c>spec.suspend</c>.</summary>
    Suspended,

    /// <summary>Its artifact is there.</summary>
    Succeeded,

    /// <summary>It ended without an artifact, and nothing tries again.</summary>
    Failed,
}
