namespace VisualPriors.Storage.Tests.Faults;

/// <summary>What a proxy does to a request.</summary>
internal abstract record Fault
{
    /// <summary>Hands it on.</summary>
    public sealed record None : Fault;

    /// <summary>Answers in the server's stead.</summary>
    public sealed record Status(int Code, string Reason, string? RetryAfter = null) : Fault;

    /// <summary>Hands on so many bytes of the request's body and breaks both connections.</summary>
    public sealed record CutRequest(int BodyBytes) : Fault;

    /// <summary>Hands on so many bytes of the answer, headers included, and breaks both connections; 0: the server has done it, and nobody hears of it.</summary>
    public sealed record CutAnswer(int Bytes) : Fault;

    /// <summary>Never answers.</summary>
    public sealed record Hang : Fault;

    /// <summary>Hands on no more than so many bytes a second, both ways.</summary>
    public sealed record Throttle(int BytesPerSecond) : Fault;
}
