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
}
