namespace VisualPriors.Data.Text;

/// <summary>What a source of text is: said in <c>corpus.json</c> and to readers of the documentation.</summary>
/// <param name="Name">Name as mixtures use it: lower-case letters, digits and hyphens.</param>
/// <param name="Description">What the text is and which package it comes from.</param>
/// <param name="Licence">Under which terms it may be used.</param>
public sealed record TextSource(string Name, string Description, string Licence);
