using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Tests.Objects;

/// <summary>Both kinds of store, real ones: a folder, and one Azurite for all tests of the collection.</summary>
public sealed class StoreFixture : IAsyncLifetime
{
    public const string Collection = "stores";

    /// <summary>Short waits: the stores under test are on this machine.</summary>
    internal static readonly RetrySettings Quick = new()
    {
        FirstDelay = TimeSpan.FromMilliseconds(50),
        MaximumDelay = TimeSpan.FromSeconds(1),
        TryTime = TimeSpan.FromSeconds(30),
        TotalTime = TimeSpan.FromSeconds(60),
    };

    private readonly string _root = Directory.CreateTempSubdirectory("vp-stores-").FullName;
    private Azurite? _azurite;
    private int _stores;

    /// <summary>The kinds, for theories.</summary>
    public static TheoryData<string> Kinds { get; } = ["file", "azblob"];

    internal Azurite Azurite => _azurite!;

    public async Task InitializeAsync() => _azurite = await Azurite.StartAsync();

    public async Task DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        if (_azurite is not null)
        {
            await _azurite.DisposeAsync();
        }
    }

    /// <summary>The address of a place where nothing is yet.</summary>
    public string NewAddress(string kind)
    {
        var number = Interlocked.Increment(ref _stores);
        return kind == "file" ? $"file://{_root}/store-{number}" : $"azblob://{Azurite.Account}/tests/store-{number}/stage";
    }

    /// <summary>Opens an address; by way of a port other than Azurite's, if one is given.</summary>
    internal IObjectStore Open(string address, int? port = null, RetrySettings? retry = null) => ObjectStores.Open(
        address, name => name == ObjectStores.ConnectionStringVariable ? Azurite.ConnectionString(port ?? Azurite.Port) : null, retry ?? Quick);

    /// <summary>Opens an empty store.</summary>
    public IObjectStore OpenEmpty(string kind) => Open(NewAddress(kind));

    /// <summary>The folder of a file store's address.</summary>
    public static string FolderOf(string address) => address["file://".Length..];
}

[CollectionDefinition(StoreFixture.Collection)]
public sealed class StoreCollectionDefinition : ICollectionFixture<StoreFixture>;
