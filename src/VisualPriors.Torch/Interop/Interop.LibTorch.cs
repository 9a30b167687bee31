namespace VisualPriors.Torch;

/// <summary>Native entry points, one nested class per library.</summary>
internal static partial class Interop
{
    /// <summary>
    /// libtorch's stable C ABI (<c>torch/csrc/stable/c/shim.h</c>, <c>torch/csrc/inductor/aoti_torch/c/shim.h</c>). An
    /// <c>AtenTensorHandle</c> is an <c>at::Tensor*</c>, which is what a TorchSharp tensor's handle is. Every function returns 0 on success.
    /// TorchSharp has loaded the library by the time a tensor exists.
    /// </summary>
    internal static partial class LibTorch
    {
        private const string Library = "libtorch_cpu";

        /// <summary>Throws when a call did not return 0. libtorch has then written the reason to standard error.</summary>
        public static void Check(int error, string call)
        {
            if (error != 0)
            {
                throw new InvalidOperationException($"libtorch refused {call}; its reason is on standard error.");
            }
        }
    }
}
