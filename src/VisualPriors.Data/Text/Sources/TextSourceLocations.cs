namespace VisualPriors.Data.Text.Sources;

/// <summary>Where the packages that <see cref="TextSources"/> reads were installed.</summary>
public sealed record TextSourceLocations
{
    /// <summary>The <c>node_modules</c> folder that holds <see cref="TextSources.NpmPackages"/>.</summary>
    public required string NodeModules { get; init; }

    /// <summary>The Metamath database; the default is where Debian's package <c>metamath-databases</c> puts it.</summary>
    public string MetamathDatabase { get; init; } = "/usr/share/metamath/databases/set.mm";
}
