using SkiaSharp;
using VisualPriors.Data.Drawings;

namespace VisualPriors.Data.Tests.Drawings;

/// <summary>A small catalogue of plain shapes, one subcategory each, in a colour by house.</summary>
internal static class TestCatalogue
{
    private static readonly string[] Names =
    [
        "red apple", "owl", "grapes", "hammer", "violin", "tulip", "taxi", "castle", "teapot", "watch", "trophy", "soccer ball", "key",
        "comet", "scarf", "envelope",
    ];

    private static readonly string[] Subcategories =
    [
        "food-fruit", "animal-bird", "food-sweet", "tool", "musical-instrument", "plant-flower", "transport-ground", "place-building",
        "drink", "time", "award-medal", "sport", "lock", "sky & weather", "clothing", "mail",
    ];

    public static DrawingCatalogue Create(params House[] houses)
    {
        var things = Names.Select((name, i) => new Thing($"1f{i:x3}", name, "Objects", Subcategories[i])).ToArray();
        var drawings = Houses.All.Select(house => houses.Contains(house) ? things.Select((_, i) => Shape(house, i)).ToArray() : []).ToArray();
        return DrawingCatalogue.FromDrawings(things, drawings);
    }

    /// <summary>A rectangle in the middle: shape n leaves n + 6 pixels free to the left and right.</summary>
    public static Drawing Shape(House house, int n)
    {
        var colour = house switch
        {
            House.Twitter => new SKColor(230, 20, 20),
            House.Google => new SKColor(20, 200, 20),
            _ => new SKColor(20, 20, 230),
        };
        return Rectangle(colour, SKRectI.Create(n + 6, 2, 52 - (2 * n), 60));
    }

    public static Drawing Rectangle(SKColor colour, SKRectI rectangle)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Drawing.Size, Drawing.Size, SKColorType.Rgba8888, SKAlphaType.Premul));
        bitmap.Erase(SKColors.Transparent);
        bitmap.Erase(colour, rectangle);
        return Drawing.FromPremultiplied(bitmap.GetPixelSpan());
    }
}
