namespace VisualPriors.Cli.Preparation;

/// <summary>What <c>vp prepare</c> was asked for.</summary>
/// <param name="Output">Folder that the data sets' artifacts appear below.</param>
/// <param name="Packages">The <c>node_modules</c> folder of the npm packages that text and drawings come from.</param>
/// <param name="Seed">Seed of everything random in the data.</param>
public sealed record PreparationOptions(string Output, string Packages, long Seed);

/// <summary>How far a step of the preparation is. Steps may overlap; a step is known by its name.</summary>
/// <param name="Step">Name of the step, such as <c>corpus</c>.</param>
/// <param name="Fraction">Share done, from 0 to 1.</param>
/// <param name="Detail">A few words on what it does or found; empty when there is nothing to say.</param>
public sealed record PreparationProgress(string Step, double Fraction, string Detail);
