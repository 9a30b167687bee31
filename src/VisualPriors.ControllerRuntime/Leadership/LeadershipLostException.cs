namespace VisualPriors.ControllerRuntime;

/// <summary>The lease could not be renewed in time, or another took it. The process should end: a fresh one begins from a clean state.</summary>
public sealed class LeadershipLostException(string message) : Exception(message);
