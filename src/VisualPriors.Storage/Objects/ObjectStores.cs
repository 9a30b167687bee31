using System.Text.RegularExpressions;
using Azure.Core;
using Azure.Identity;
using Azure.Storage.Blobs;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;

namespace VisualPriors.Storage.Objects;

/// <summary>Opens object stores by address.</summary>
public static partial class ObjectStores
{
    /// <summary>Environment variable with a connection string for Azure storage.</summary>
    public const string ConnectionStringVariable = "AZURE_STORAGE_CONNECTION_STRING";

    /// <summary>Environment variable that names a file with such a connection string, as a mounted secret gives it.</summary>
    public const string ConnectionStringFileVariable = TrainerVariables.StorageConnectionStringFile;

    private const string Expected = "file:///folder or azblob://account/container/prefix";
    private const string FileScheme = "file:///";
    private const string BlobScheme = "azblob://";

    /// <summary>The oldest protocol that has all that is used here: the emulator follows the service's newest by some months.</summary>
    private const BlobClientOptions.ServiceVersion Protocol = BlobClientOptions.ServiceVersion.V2024_08_04;

    /// <summary>One for all stores: it keeps the tokens that it got.</summary>
    private static readonly Lazy<TokenCredential> Credential = new(() => new DefaultAzureCredential());

    /// <summary>
    /// Opens the store at an address: <c>file:///folder</c> or <c>azblob://account/container/prefix</c>. Nothing is reached yet. Azure's credential is
    /// the connection string that the environment holds or whose file it names, otherwise what <c>DefaultAzureCredential</c> finds.
    /// </summary>
    /// <exception cref="InvalidInputException">The address, or the connection string, is malformed, or they are of two accounts.</exception>
    public static IObjectStore Open(string address) => Open(address, Environment.GetEnvironmentVariable, RetrySettings.Default);

    /// <summary>Opens a store, with settings.</summary>
    internal static IObjectStore Open(string address, Func<string, string?> environment, RetrySettings retry) =>
        address.StartsWith(FileScheme, StringComparison.Ordinal) ? new FileStore(address, Folder(address))
        : address.StartsWith(BlobScheme, StringComparison.Ordinal) ? OpenBlobs(address, environment, retry)
        : throw Wrong(address, address.Length == 0 ? "nothing" : "another kind of address");

    private static string Folder(string address)
    {
        var segments = address[FileScheme.Length..].TrimEnd('/').Split('/').Select(Uri.UnescapeDataString).ToArray();
        return segments.All(segment => segment is not ("" or "." or "..") && !segment.Contains('/') && !segment.Contains('\0'))
            ? "/" + string.Join('/', segments)
            : throw Wrong(address, "a path with empty, '.' or '..' segments");
    }

    private static BlobStore OpenBlobs(string address, Func<string, string?> environment, RetrySettings retry)
    {
        var segments = address[BlobScheme.Length..].TrimEnd('/').Split('/', 3);
        if (segments.Length < 2 || !AccountName().IsMatch(segments[0]))
        {
            throw Wrong(address, "no account (3 to 24 lower-case letters and digits) before a container");
        }

        if (!ContainerName().IsMatch(segments[1]) || segments[1].Contains("--", StringComparison.Ordinal))
        {
            throw Wrong(address, $"'{segments[1]}' for a container (3 to 63 lower-case letters, digits and single hyphens)");
        }

        var prefix = segments.Length == 3 ? segments[2] : "";
        if (prefix.Length > 0 && !ObjectName.IsValid(prefix))
        {
            throw Wrong(address, $"'{prefix}' for a prefix (segments of letters, digits, '.', '_' and '-')");
        }

        var options = new BlobClientOptions(Protocol);
        // BlobStore tries again itself: it must know which try it is on, and how long all have taken.
        options.Retry.MaxRetries = 0;
        options.Retry.NetworkTimeout = retry.TryTime;
        var service = ConnectionString(environment) is var (text, source)
            ? FromConnectionString(text, source, segments[0], address, options)
            : new BlobServiceClient(new Uri($"https://{segments[0]}.blob.core.windows.net"), Credential.Value, options);
        return new BlobStore(address, service.GetBlobContainerClient(segments[1]), prefix, retry);
    }

    private static (string Text, string Source)? ConnectionString(Func<string, string?> environment)
    {
        if (environment(ConnectionStringVariable) is { Length: > 0 } text)
        {
            return (text, ConnectionStringVariable);
        }

        if (environment(ConnectionStringFileVariable) is not { Length: > 0 } path)
        {
            return null;
        }

        try
        {
            return (File.ReadAllText(path).Trim(), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(path, null, e.Message, $"a file with a connection string, as {ConnectionStringFileVariable} says");
        }
    }

    private static BlobServiceClient FromConnectionString(string text, string source, string account, string address, BlobClientOptions options)
    {
        BlobServiceClient service;
        try
        {
            service = new BlobServiceClient(text, options);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            // The library's message may quote the text, which is a secret.
            throw new InvalidInputException(source, null, "a malformed connection string", "a connection string of Azure storage");
        }

        return service.AccountName == account
            ? service
            : throw new InvalidInputException(address, "account", account, $"{service.AccountName}, the account of the connection string in {source}");
    }

    private static InvalidInputException Wrong(string address, string found) => new(address, null, found, Expected);

    [GeneratedRegex(@"^[a-z0-9]{3,24}\z")]
    private static partial Regex AccountName();

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\z")]
    private static partial Regex ContainerName();
}
