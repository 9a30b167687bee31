using VisualPriors.Api.Errors;
using static TorchSharp.torch;

namespace VisualPriors.Torch.Tests;

/// <summary>Weights in several files, and the index that ties them together.</summary>
public sealed class SafetensorsSetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vp-set-").FullName;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Tensors_are_found_whichever_file_they_lie_in()
    {
        WriteFiles();
        WriteIndex("""{"metadata":{"total_size":12},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors","c":"model-2.safetensors"}}""");
        using var set = SafetensorsSet.Open(_folder);
        Assert.Equal("a b c", string.Join(' ', set.Names));
        Assert.Equal(2f, set.Read("b").item<float>());
        Assert.Equal(3f, set.Read("c").item<float>());
        set.CheckShape("c", set.Read("c").shape);
        var error = Assert.Throws<InvalidInputException>(() => set.CheckShape("c", set.Read("c").view(1, 1).shape));
        Assert.Equal("c", Assert.Single(error.Errors).Field);
        Assert.Throws<InvalidInputException>(() => set.Read("d"));
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}""", "c")] // a tensor that the index does not know
    [InlineData("""{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors","c":"model-1.safetensors"}}""", "c")] // that it has elsewhere
    [InlineData("""{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors","c":"model-2.safetensors","d":"model-2.safetensors"}}""", "d")] // missing
    [InlineData("""{"weight_map":{"a":"model-3.safetensors"}}""", null)] // no such file
    [InlineData("""{"weight_map":{"a":"../model-1.safetensors"}}""", "weight_map.a")]
    [InlineData("""{"weight_map":{"a":"/etc/x.safetensors"}}""", "weight_map.a")]
    [InlineData("""{"weight_map":{"a":".safetensors"}}""", "weight_map.a")]
    [InlineData("""{"weight_map":{"a":"model.bin"}}""", "weight_map.a")]
    [InlineData("""{"weight_map":{"a":7}}""", null)]
    [InlineData("""{"weight_map":{"a":"model-1.safetensors","a":"model-2.safetensors"}}""", null)] // a name twice
    [InlineData("""{"weight_map":{}}""", "weight_map")]
    [InlineData("""{"a":"model-1.safetensors"}""", null)]
    [InlineData("""[]""", null)]
    [InlineData("""{""", null)]
    public void A_hostile_index_is_refused(string index, string? field)
    {
        WriteFiles();
        WriteIndex(index);
        Assert.Equal(field, Assert.Single(Assert.Throws<InvalidInputException>(() => SafetensorsSet.Open(_folder)).Errors).Field);
    }

    [Fact]
    public void Cut_files_hold_what_fits_in_order_and_what_is_larger_lies_alone()
    {
        long[] sizes = [3, 3, 9, 1, 1, 1];
        var files = SafetensorsIndex.Cut(sizes, bytes => bytes, 6);
        Assert.Equal(
            "model-00001-of-00003.safetensors: 3 3|model-00002-of-00003.safetensors: 9|model-00003-of-00003.safetensors: 1 1 1",
            string.Join('|', files.Select(file => $"{file.FileName}: {string.Join(' ', file.Tensors)}")));
        Assert.Equal("model.safetensors", Assert.Single(SafetensorsIndex.Cut(sizes, bytes => bytes, 18)).FileName);
    }

    [Fact]
    public void An_index_that_was_built_is_read_back()
    {
        var fileOf = new Dictionary<string, string> { ["b"] = "model-2.safetensors", ["a"] = "model-1.safetensors" };
        var bytes = SafetensorsIndex.Build(fileOf, 8);
        Assert.Equal(fileOf.OrderBy(pair => pair.Key), SafetensorsIndex.Parse(bytes, "index").OrderBy(pair => pair.Key));
    }

    private void WriteFiles()
    {
        SafetensorsWriter.Write(Path.Combine(_folder, "model-1.safetensors"), [("a", full(1, 1f))]);
        SafetensorsWriter.Write(Path.Combine(_folder, "model-2.safetensors"), [("b", full(1, 2f)), ("c", full(1, 3f))]);
    }

    private void WriteIndex(string json) => File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), json);
}
