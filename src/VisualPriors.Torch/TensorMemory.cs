using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>Direct access to tensors in CPU memory.</summary>
public static unsafe class TensorMemory
{
    /// <summary>Address of the first element; good as long as the caller keeps the tensor alive.</summary>
    public static void* Address(Tensor tensor)
    {
        Interop.LibTorch.Check(Interop.LibTorch.GetDataPointer(tensor.Handle, out var pointer), "aoti_torch_get_data_ptr");
        return (void*)pointer;
    }

    /// <summary>Copies bytes from one contiguous CPU tensor to another of as many.</summary>
    public static void Copy(Tensor source, Tensor destination)
    {
        var bytes = source.numel() * SafetensorsFormat.NameOf(source.dtype).Size;
        Buffer.MemoryCopy(Address(source), Address(destination), destination.numel() * SafetensorsFormat.NameOf(destination.dtype).Size, bytes);
        GC.KeepAlive(source);
        GC.KeepAlive(destination);
    }
}
