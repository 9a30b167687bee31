namespace VisualPriors.Data.Text;

/// <summary>One document of a source, as the sources give it and <see cref="CorpusBuilder"/> takes it.</summary>
/// <param name="Source">Name of its source, such as <c>encyclopedia</c>.</param>
/// <param name="Text">Its text, normalised by <see cref="Sources.TextNormalisation"/>.</param>
public sealed record TextDocument(string Source, string Text);
