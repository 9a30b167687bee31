namespace VisualPriors.Data.Drawings;

/// <summary>Something that can be drawn and asked for.</summary>
/// <param name="Id">Unicode code points in lower-case hexadecimal, such as <c>1f34e</c>: the name of its files.</param>
/// <param name="Name">What people call it, lower case, unique: <c>red apple</c>.</param>
/// <param name="Category">Group of the Unicode emoji list, such as <c>Food &amp; Drink</c>.</param>
/// <param name="Subcategory">Subgroup of the Unicode emoji list, such as <c>food-fruit</c>.</param>
public sealed record Thing(string Id, string Name, string Category, string Subcategory);
