namespace VisualPriors.Trainer.Tests.Pods;

/// <summary>A test that makes namespaces, for which it needs to be root; skipped, and said so, where it is not.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Skip = "needs root, to make namespaces";
        }
    }
}
