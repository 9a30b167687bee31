using SkiaSharp;
using VisualPriors.Api.Errors;
using VisualPriors.Data.Drawings;
using VisualPriors.Data.Tests.Text;

namespace VisualPriors.Data.Tests.Drawings;

public sealed class DrawingPreparationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DrawingPackages _packages;

    public DrawingPreparationTests()
    {
        _packages = new(_folder.Path("twitter-package"), _folder.Path("google-package"), _folder.Path("openmoji-package"));
        WritePackages(Entry("RED APPLE", "1F34E", "apple"), Entry("OWL", "1F989", "owl"), Entry("SUN", "2600-FE0F", "sunny"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Things_have_names_and_drawings_by_every_house_and_licences_are_told()
    {
        DrawingPreparation.Prepare(_packages, _folder.Path("drawings"), CancellationToken.None);
        using var catalogue = DrawingCatalogue.Open(_folder.Path("drawings"));

        Assert.Equal(["red apple", "owl", "black sun"], catalogue.Things.Select(t => t.Name));
        Assert.Equal("food-fruit", catalogue.Things[0].Subcategory);
        Assert.Equal(["CC-BY-4.0", "Apache-2.0", "CC-BY-SA-4.0"], catalogue.Licences.Select(l => l.Licence));
        Assert.Equal("openmoji@17.0.0", catalogue.Licences[2].Package);
        Assert.All(Enumerable.Range(0, 3), thing => Assert.Equal(SKRectI.Create(10, 20, 30, 40), catalogue[House.Twitter, thing].Content));
    }

    [Fact]
    public void OpenMoji_is_cropped_to_its_content_and_centred()
    {
        DrawingPreparation.Prepare(_packages, _folder.Path("drawings"), CancellationToken.None);
        using var catalogue = DrawingCatalogue.Open(_folder.Path("drawings"));

        // The SVG holds a rectangle twice as wide as high, off the middle.
        var content = catalogue[House.OpenMoji, 0].Content;
        Assert.InRange(content.Width, 61, 63);
        Assert.InRange(content.Height, 30, 32);
        Assert.InRange(content.MidX, 31, 33);
        Assert.InRange(content.MidY, 31, 33);
    }

    [Fact]
    public void Preparing_twice_gives_the_same_bytes()
    {
        var first = DrawingPreparation.Prepare(_packages, _folder.Path("a"), CancellationToken.None);
        var second = DrawingPreparation.Prepare(_packages, _folder.Path("b"), CancellationToken.None);

        Assert.Equal(first.Digest, second.Digest);
    }

    [Fact]
    public void Signs_people_and_near_duplicates_are_left_out()
    {
        WritePackages(
            Entry("RED APPLE", "1F34E", "apple"),
            Entry("CLOCK FACE ONE OCLOCK", "1F550", "clock1", "Travel & Places"),
            Entry("ONCOMING BUS", "1F68D", "oncoming_bus", "Travel & Places"),
            Entry("GRINNING FACE", "1F600", "grinning", "Smileys & Emotion"),
            Entry("NO ENTRY", "26D4", "no_entry", "Symbols"));

        DrawingPreparation.Prepare(_packages, _folder.Path("drawings"), CancellationToken.None);
        using var catalogue = DrawingCatalogue.Open(_folder.Path("drawings"));

        Assert.Equal("red apple", Assert.Single(catalogue.Things).Name);
    }

    [Theory]
    [InlineData("""{"a":1}""", "$")]
    [InlineData("""[{"name":"X","unified":"1F34E","image":"x.png","short_name":"x","category":"Objects","has_img_twitter":true}]""", "$[0]")]
    [InlineData("""[{"name":5,"unified":"1F34E","image":"x.png","short_name":"x","category":"Objects","subcategory":"s","has_img_twitter":true}]""", "$[0].name")]
    [InlineData("[", "$[0]")]
    public void A_malformed_list_is_refused_with_file_and_field(string json, string field)
    {
        var path = Path.Combine(_packages.Twitter, "emoji.json");
        File.WriteAllText(path, json);

        var error = Assert.Single(Assert.Throws<InvalidInputException>(Prepare).Errors);

        Assert.Equal(path, error.File);
        Assert.StartsWith(field, error.Field ?? "$", StringComparison.Ordinal);
        Assert.Equal(1, error.Line);
        Assert.False(Directory.Exists(_folder.Path("drawings")));
    }

    [Theory]
    [InlineData("../../../secret.png")]
    [InlineData("x.gif")]
    public void An_image_name_that_is_a_path_is_refused(string image)
    {
        WritePackages(Entry("RED APPLE", "1F34E", "apple") with { Image = image });

        Assert.Equal("image", Assert.Single(Assert.Throws<InvalidInputException>(Prepare).Errors).Field);
    }

    [Fact]
    public void Two_things_of_one_name_are_refused()
    {
        WritePackages(Entry("RED APPLE", "1F34E", "apple"), Entry("RED APPLE", "1F34F", "other"));

        Assert.Contains("red apple", Assert.Throws<InvalidInputException>(Prepare).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_drawing_is_refused_by_name()
    {
        var path = Path.Combine(_packages.Google, "img/google/64/1f989.png");
        File.WriteAllText(path, "no image");

        Assert.Equal(path, Assert.Single(Assert.Throws<InvalidInputException>(Prepare).Errors).File);
        Assert.Empty(Directory.GetDirectories(_folder.Root, "drawings*"));
    }

    [Theory]
    [InlineData("\"version\": 1", "\"version\": 2", "version")]
    [InlineData("\"id\": \"1f34e\"", "\"id\": \"../1f34e\"", "things[0].id")]
    [InlineData("\"name\": \"owl\"", "\"title\": \"owl\"", "$.things[1].title")]
    public void A_tampered_index_is_refused(string original, string replacement, string field)
    {
        DrawingPreparation.Prepare(_packages, _folder.Path("drawings"), CancellationToken.None);
        var index = _folder.Path("drawings/drawings.json");
        var text = File.ReadAllText(index);
        var manifest = _folder.Path("drawings/artifact.json");
        var tampered = text.Replace(original, replacement, StringComparison.Ordinal);
        Assert.NotEqual(text, tampered);
        File.WriteAllText(index, tampered);
        File.WriteAllText(
            manifest,
            File.ReadAllText(manifest).Replace($"\"bytes\": {text.Length},", $"\"bytes\": {tampered.Length},", StringComparison.Ordinal));

        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => DrawingCatalogue.Open(_folder.Path("drawings"))).Errors);

        Assert.Equal(field, error.Field);
    }

    private void Prepare() => DrawingPreparation.Prepare(_packages, _folder.Path("drawings"), CancellationToken.None);

    private sealed record TestEntry(string Name, string Unified, string ShortName, string Category, string Image);

    private static TestEntry Entry(string name, string unified, string shortName, string category = "Food & Drink") =>
        new(name, unified, shortName, category, unified.ToLowerInvariant() + ".png");

    private void WritePackages(params TestEntry[] entries)
    {
        var emoji = string.Join(",\n", entries.Select(e =>
            $$"""{"name":"{{e.Name}}","unified":"{{e.Unified}}","image":"{{e.Image}}","short_name":"{{e.ShortName}}","category":"{{e.Category}}","subcategory":"food-fruit","has_img_twitter":true,"unknown":7}"""));
        Write(Path.Combine(_packages.Twitter, "emoji.json"), $"[{emoji}]");

        // OpenMoji leaves variation selectors out.
        var codes = entries.Select(e => (e.Name, Code: e.Unified.Replace("-FE0F", "", StringComparison.Ordinal))).ToArray();
        var annotations = string.Join(",\n", codes.Select(c =>
            $$"""{"hexcode":"{{c.Code}}","annotation":"{{(c.Name == "SUN" ? "Black Sun" : c.Name)}}"}"""));
        Write(Path.Combine(_packages.OpenMoji, "data/openmoji.json"), $"[{annotations}]");
        foreach (var (_, code) in codes)
        {
            Write(
                Path.Combine(_packages.OpenMoji, $"color/svg/{code}.svg"),
                """<svg viewBox="0 0 72 72" xmlns="http://www.w3.org/2000/svg"><rect x="30" y="10" width="20" height="10" fill="#ea5a47"/></svg>""");
        }

        foreach (var (package, name, version) in new[]
        {
            (_packages.Twitter, "emoji-datasource-twitter", "16.0.0"), (_packages.Google, "emoji-datasource-google", "16.0.0"),
            (_packages.OpenMoji, "openmoji", "17.0.0"),
        })
        {
            Write(Path.Combine(package, "package.json"), $$"""{"name":"{{name}}","version":"{{version}}"}""");
        }

        using var bitmap = new SKBitmap(64, 64);
        bitmap.Erase(SKColors.Transparent);
        bitmap.Erase(SKColors.Red, SKRectI.Create(10, 20, 30, 40));
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        foreach (var entry in entries.Where(e => !e.Image.Contains('/', StringComparison.Ordinal)))
        {
            foreach (var image in new[] { $"{_packages.Twitter}/img/twitter/64/{entry.Image}", $"{_packages.Google}/img/google/64/{entry.Image}" })
            {
                Directory.CreateDirectory(Path.GetDirectoryName(image)!);
                File.WriteAllBytes(image, png.ToArray());
            }
        }
    }

    private static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
