using VisualPriors.Storage.Checkpoints;
using VisualPriors.Storage.Objects;

namespace VisualPriors.Storage.Tests.Checkpoints;

/// <summary>Makes checkpoints of a stage whose parts are cheap to make and to tell apart.</summary>
internal static class Stage
{
    public const string Digest = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

    public static Task<(CheckpointStore Store, CheckpointManifest? Latest)> AcquireAsync(IObjectStore store, long? attempt = null) =>
        CheckpointStore.AcquireAsync(store, Digest, attempt, CancellationToken.None);

    public static CheckpointPosition At(long step) => new() { Step = step, Batch = step, Tokens = step * 1000, SkippedSteps = 0, Rollbacks = 0 };

    /// <summary>A part's bytes: their own for every step, attempt and part.</summary>
    public static byte[] Content(long step, long attempt, int part, int bytes = 1000)
    {
        var content = new byte[bytes];
        new Random(HashCode(step, attempt, part)).NextBytes(content);
        return content;
    }

    /// <summary>Writes a checkpoint of two parts.</summary>
    public static async Task SaveAsync(CheckpointStore store, long step, int bytes = 1000) =>
        await store.CommitAsync(At(step), await WritePartsAsync(store, step, bytes), CancellationToken.None);

    public static async Task<CheckpointPart[]> WritePartsAsync(CheckpointStore store, long step, int bytes = 1000) =>
    [
        await store.WritePartAsync(step, "state-0", [Content(step, store.Attempt, 0, bytes)], CancellationToken.None),
        await store.WritePartAsync(step, "state-1", [Content(step, store.Attempt, 1, bytes)], CancellationToken.None),
    ];

    /// <summary>Reads a checkpoint and compares every byte.</summary>
    public static async Task CheckAsync(CheckpointStore store, CheckpointManifest manifest)
    {
        Assert.Equal(["state-0", "state-1"], manifest.Parts.Select(part => part.Name));
        for (var i = 0; i < 2; i++)
        {
            var read = new byte[manifest.Parts[i].Bytes];
            await store.ReadAsync(manifest, manifest.Parts[i], 0, read, CancellationToken.None);
            Assert.True(read.AsSpan().SequenceEqual(Content(manifest.Position.Step, manifest.Attempt, i, read.Length)));
        }
    }

    public static string Folder(long step, long attempt) => $"checkpoints/step-{step:D12}-attempt-{attempt:D6}";

    /// <summary>Names of the checkpoints' folders that have any object, as <c>step/attempt</c>, and a star where there is a manifest.</summary>
    public static async Task<string[]> FoldersAsync(IObjectStore store)
    {
        var names = new List<string>();
        await foreach (var item in store.ListAsync("checkpoints/", CancellationToken.None))
        {
            names.Add(item.Name);
        }

        return [.. names.Select(name => name.Split('/')[1]).Distinct()
            .Select(folder => folder.Split('-') is var s ? $"{long.Parse(s[1])}/{long.Parse(s[3])}{(names.Contains($"checkpoints/{folder}/manifest.json") ? "*" : "")}" : "")];
    }

    private static int HashCode(long step, long attempt, int part) => unchecked((int)((step * 1_000_003) + (attempt * 7919) + part));
}
