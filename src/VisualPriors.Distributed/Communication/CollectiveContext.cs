namespace VisualPriors.Distributed.Communication;

/// <summary>What communicators of a process share.</summary>
/// <param name="Timeout">How long an operation may take.</param>
/// <param name="Failures">What is known of ranks that are gone.</param>
/// <param name="Recorder">Remembers operations.</param>
/// <param name="FlightRecordPath">Where the record of a failure lies afterwards; null when none is written.</param>
internal sealed record CollectiveContext(TimeSpan Timeout, PeerFailures Failures, FlightRecorder Recorder, string? FlightRecordPath);
