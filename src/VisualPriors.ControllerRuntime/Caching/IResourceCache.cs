namespace VisualPriors.ControllerRuntime;

/// <summary>A cache of any kind, as the manager runs it.</summary>
internal interface IResourceCache
{
    public bool HasSynced { get; }

    public Task Synced { get; }

    public Task RunAsync(CancellationToken cancellationToken);
}
