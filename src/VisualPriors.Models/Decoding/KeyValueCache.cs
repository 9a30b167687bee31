using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>Keys and values of the positions seen so far, for decoding token by token. Grows by whatever each forward pass brings.</summary>
public sealed class KeyValueCache : IDisposable
{
    private readonly (Tensor Key, Tensor Value)?[] _layers;

    /// <summary>Makes an empty cache for a decoder.</summary>
    public KeyValueCache(DecoderConfiguration configuration)
    {
        _layers = new (Tensor, Tensor)?[configuration.Dimensions.Layers];
    }

    /// <summary>Positions held (by the last layer, so that it holds still while a forward pass goes through the layers).</summary>
    public long Length => _layers[^1]?.Key.size(2) ?? 0;

    /// <summary>Releases the tensors.</summary>
    public void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer?.Key.Dispose();
            layer?.Value.Dispose();
        }
    }

    /// <summary>Adds [B, KV, T, E] to a layer and returns all of it, [B, KV, cached + T, E].</summary>
    internal (Tensor Key, Tensor Value) Append(int layer, Tensor key, Tensor value)
    {
        if (_layers[layer] is { } past)
        {
            key = cat([past.Key, key], dim: 2);
            value = cat([past.Value, value], dim: 2);
            past.Key.Dispose();
            past.Value.Dispose();
        }

        // The cache outlives the scope of one forward pass.
        _layers[layer] = (key.DetachFromDisposeScope(), value.DetachFromDisposeScope());
        return (key, value);
    }
}
