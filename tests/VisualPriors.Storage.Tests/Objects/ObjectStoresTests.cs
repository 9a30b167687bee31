using VisualPriors.Api.Errors;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Tests.Objects;

public sealed class ObjectStoresTests
{
    private const string Secret = "c2VjcmV0LWtleS1vZi1zb21lYm9keQ==";

    [Theory]
    [InlineData("")]
    [InlineData("/data")]
    [InlineData("s3://bucket/prefix")]
    [InlineData("file://host/folder")]
    [InlineData("file:///")]
    [InlineData("file:///a/../b")]
    [InlineData("file:///a/%2e%2e/b")]
    [InlineData("file:///a%2Fb")]
    [InlineData("azblob://account")]
    [InlineData("azblob://Account/container")]
    [InlineData("azblob://account:key@host/container")]
    [InlineData("azblob://account/Container")]
    [InlineData("azblob://account/con--tainer")]
    [InlineData("azblob://account/container/a/../b")]
    [InlineData("azblob://account/container/a?sig=x")]
    public void An_address_of_no_store_is_refused_by_name(string address)
    {
        var error = Assert.Single(Assert.Throws<InvalidInputException>(() => ObjectStores.Open(address, _ => null, RetrySettings.Default)).Errors);
        Assert.Equal(address, error.File);
        Assert.Equal("file:///folder or azblob://account/container/prefix", error.Expected);
    }

    [Fact]
    public async Task A_folder_s_address_may_be_percent_encoded()
    {
        var root = Directory.CreateTempSubdirectory("vp-address-").FullName;
        try
        {
            var store = ObjectStores.Open($"file://{root}/with%20space");
            await store.WriteAsync("object", [new byte[3]], CancellationToken.None);
            Assert.True(File.Exists($"{root}/with space/object"));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Theory]
    [InlineData($"DefaultEndpointsProtocol=https;AccountName=other;AccountKey={Secret};EndpointSuffix=core.windows.net", "account: found account, expected other")]
    [InlineData($"AccountKey={Secret}", "malformed connection string")]
    [InlineData($"AccountName=account;AccountKey={Secret}!;EndpointSuffix=core.windows.net", "malformed connection string")]
    public void A_connection_string_that_does_not_fit_is_refused_without_telling_it(string connection, string expected)
    {
        var error = Assert.Throws<InvalidInputException>(() => ObjectStores.Open(
            "azblob://account/container", name => name == ObjectStores.ConnectionStringVariable ? connection : null, RetrySettings.Default));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_string_may_lie_in_a_file()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, $"DefaultEndpointsProtocol=https;AccountName=account;AccountKey={Secret};EndpointSuffix=core.windows.net\n");
            IObjectStore Open(string address) =>
                ObjectStores.Open(address, name => name == ObjectStores.ConnectionStringFileVariable ? path : null, RetrySettings.Default);
            Assert.Equal("azblob://account/container/prefix", Open("azblob://account/container/prefix").Address);
            Assert.Contains(path, Assert.Throws<InvalidInputException>(() => Open("azblob://another/container")).Message, StringComparison.Ordinal);
            File.Delete(path);
            Assert.Contains(path, Assert.Throws<InvalidInputException>(() => Open("azblob://account/container")).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Waits_grow_with_jitter_up_to_a_bound_and_heed_the_store()
    {
        var retry = RetrySettings.Default;
        Assert.Equal(0.25, retry.DelayAfter(1, 0, null).TotalSeconds, 3);
        Assert.Equal(0.5, retry.DelayAfter(2, 0, null).TotalSeconds, 3);
        Assert.Equal(10, retry.DelayAfter(1000, 0, null).TotalSeconds, 3);
        Assert.InRange(retry.DelayAfter(1000, 0.999, null).TotalSeconds, 19, 20);
        Assert.Equal(60, retry.DelayAfter(1, 0.5, TimeSpan.FromSeconds(60)).TotalSeconds, 3);
    }
}
