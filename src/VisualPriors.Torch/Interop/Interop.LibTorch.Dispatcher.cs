using System.Runtime.InteropServices;

namespace VisualPriors.Torch;

internal static partial class Interop
{
    internal static partial class LibTorch
    {
        /// <summary>Runs an operator through the full dispatcher (autograd included); arguments and results are 64-bit slots of <paramref name="stack"/>.</summary>
        [LibraryImport(Library, EntryPoint = "aoti_torch_call_dispatcher")]
        public static unsafe partial int CallDispatcher(byte* name, byte* overload, ulong* stack);

        /// <summary>A second owner of the tensor behind a handle.</summary>
        [LibraryImport(Library, EntryPoint = "aoti_torch_new_tensor_handle")]
        public static partial int NewTensorHandle(nint tensor, out nint copy);

        [LibraryImport(Library, EntryPoint = "torch_new_list_reserve_size")]
        public static partial int NewList(nuint capacity, out nint list);

        /// <summary>Matrix product into <paramref name="result"/>, past the dispatcher's autograd.</summary>
        [LibraryImport(Library, EntryPoint = "aoti_torch_mm_out")]
        public static partial int MatrixProduct(nint result, nint left, nint right);

        [LibraryImport(Library, EntryPoint = "torch_list_push_back")]
        public static partial int ListPushBack(nint list, ulong element);
    }
}
