using System.Buffers.Binary;
using System.Text;
using VisualPriors.Api.Errors;
using static TorchSharp.torch;

namespace VisualPriors.Torch.Tests;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public void Reads_a_file_built_by_hand()
    {
        // Out of order on purpose: offsets decide, not the header's order.
        byte[] data = [0x07, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc1, 0x80, 0x3f, 0x49, 0x40];
        Write(
            """{"bf":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]},"__metadata__":{"format":"pt"},"""
            + """ "i":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"f":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}}   """,
            data);
        using var file = SafetensorsFile.Open(_path);
        Assert.Equal(["bf", "i", "f"], file.Names);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(unchecked((long)0x8000000000000007), file.Read("i").item<long>());
        Assert.Equal([2, 1], file.Read("f").shape);
        Assert.Equal([1f, -10f], file.Read("f").data<float>().ToArray());
        Assert.Equal(ScalarType.BFloat16, file.TypeOf("bf"));
        Assert.Equal([1f, 3.140625f], file.Read("bf").to(ScalarType.Float32).data<float>().ToArray());
        Assert.Equal("g", Assert.Single(Assert.Throws<InvalidInputException>(() => file.Read("g")).Errors).Field);
    }

    [Fact]
    public void Writes_exactly_the_documented_bytes()
    {
        SafetensorsWriter.Write(_path, [("a", tensor(new[] { 1f, -10f }))], new Dictionary<string, string> { ["k"] = "v" });
        const string Header = """{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";
        Assert.Equal(Bytes(Header.PadRight(80), [0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc1]), File.ReadAllBytes(_path));
    }

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Int16)]
    [InlineData(ScalarType.Int8)]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Bool)]
    public void Every_type_and_stride_survives(ScalarType type)
    {
        var value = arange(24).view(2, 3, 4).to(type).transpose(0, 2);
        SafetensorsWriter.Write(_path, [("empty", empty(0, 3, type)), ("value", value), ("scalar", value[1, 1, 1])]);
        using var file = SafetensorsFile.Open(_path);
        Assert.Equal(type, file.Read("value").dtype);
        Assert.True(file.Read("value").equal(value).all().item<bool>());
        Assert.True(file.Read("scalar").equal(value[1, 1, 1]).item<bool>());
        Assert.Equal([0, 3], file.Read("empty").shape);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""")] // cut off
    [InlineData("""[]""")]
    [InlineData("""{"a":7}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}""")] // beyond the file
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""")] // shape and bytes disagree
    [InlineData("""{"a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""")] // a gap
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""")] // bytes left over
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""")] // an overlap
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""")] // a name twice
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904,4],"data_offsets":[0,8]}}""")] // overflows to 0
    public void A_hostile_header_is_refused(string header)
    {
        Write(header, new byte[8]);
        Assert.Equal(_path, Assert.Single(Assert.Throws<InvalidInputException>(() => SafetensorsFile.Open(_path)).Errors).File);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(3UL)]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    public void A_hostile_header_length_is_refused(ulong length)
    {
        var bytes = new byte[10];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        File.WriteAllBytes(_path, bytes);
        Assert.Throws<InvalidInputException>(() => SafetensorsFile.Open(_path));
    }

    [Fact]
    public void A_file_that_is_missing_or_too_short_is_refused()
    {
        Assert.Throws<InvalidInputException>(() => SafetensorsFile.Open(_path));
        Assert.Throws<InvalidInputException>(() => SafetensorsFile.Open(_path + ".missing"));
    }

    private static byte[] Bytes(string header, byte[] data)
    {
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. Encoding.UTF8.GetBytes(header), .. data];
    }

    private void Write(string header, byte[] data) => File.WriteAllBytes(_path, Bytes(header, data));
}
