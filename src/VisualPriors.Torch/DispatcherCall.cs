using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace VisualPriors.Torch;

/// <summary>
/// One call of an operator by name, for operators (or arguments) that TorchSharp does not wrap. Arguments are pushed in the schema's order,
/// then <see cref="Invoke"/> runs the operator. Not for schemas with <c>Scalar</c> arguments: the ABI cannot carry them.
/// </summary>
internal unsafe ref struct DispatcherCall
{
    private const int Slots = 24;
    private StackSlots _stack;
    private int _count;

    [InlineArray(Slots)]
    private struct StackSlots
    {
        private ulong _first;
    }

    /// <summary>Pushes a tensor; the callee gets an owner of its own.</summary>
    public void Push(Tensor tensor) => Push(Own(tensor));

    /// <summary>Pushes an optional tensor.</summary>
    public void PushOptional(Tensor? tensor) => Push(tensor is null ? 0 : Boxed(Own(tensor)));

    /// <summary>Pushes a list of tensors.</summary>
    public void Push(IReadOnlyList<Tensor> tensors)
    {
        var list = NewList(tensors.Count);
        foreach (var tensor in tensors)
        {
            Interop.LibTorch.Check(Interop.LibTorch.ListPushBack(list, Own(tensor)), "torch_list_push_back");
        }

        Push((ulong)list);
    }

    /// <summary>Pushes a list of integers.</summary>
    public void Push(scoped ReadOnlySpan<long> values)
    {
        var list = NewList(values.Length);
        foreach (var value in values)
        {
            Interop.LibTorch.Check(Interop.LibTorch.ListPushBack(list, (ulong)value), "torch_list_push_back");
        }

        Push((ulong)list);
    }

    /// <summary>Pushes an integer.</summary>
    public void Push(long value) => Push((ulong)value);

    /// <summary>Pushes a truth value.</summary>
    public void Push(bool value) => Push(value ? 1UL : 0UL);

    /// <summary>Pushes a floating-point number.</summary>
    public void Push(double value) => Push(BitConverter.DoubleToUInt64Bits(value));

    /// <summary>Pushes an optional floating-point number.</summary>
    public void PushOptional(double? value) => Push(value is { } number ? Boxed(BitConverter.DoubleToUInt64Bits(number)) : 0);

    /// <summary>Runs the operator.</summary>
    /// <param name="name">Name with namespace, such as <c>"aten::rms_norm"u8</c>.</param>
    /// <param name="overload">Overload's name, often empty.</param>
    /// <exception cref="InvalidOperationException">libtorch refused the call.</exception>
    public void Invoke(ReadOnlySpan<byte> name, ReadOnlySpan<byte> overload)
    {
        // UTF-8 literals end with a zero byte beyond their length.
        fixed (byte* nameBytes = name)
        fixed (byte* overloadBytes = overload)
        fixed (ulong* stack = &_stack[0])
        {
            byte empty = 0;
            var error = Interop.LibTorch.CallDispatcher(nameBytes, overloadBytes == null ? &empty : overloadBytes, stack);
            if (error != 0)
            {
                Interop.LibTorch.Check(error, System.Text.Encoding.UTF8.GetString(name));
            }
        }
    }

    /// <summary>Takes a tensor result; the caller (or the current dispose scope) owns it.</summary>
    public readonly Tensor Result(int index = 0) => Tensor.UnsafeCreateTensor((nint)_stack[index]);

    private void Push(ulong slot) => _stack[_count++] = slot;

    private static ulong Own(Tensor tensor)
    {
        Interop.LibTorch.Check(Interop.LibTorch.NewTensorHandle(tensor.Handle, out var copy), "aoti_torch_new_tensor_handle");
        GC.KeepAlive(tensor);
        return (ulong)copy;
    }

    private static nint NewList(int capacity)
    {
        Interop.LibTorch.Check(Interop.LibTorch.NewList((nuint)capacity, out var list), "torch_new_list_reserve_size");
        return list;
    }

    /// <summary>An optional argument is a pointer to a slot from the C heap, which the callee frees.</summary>
    private static ulong Boxed(ulong value)
    {
        var slot = (ulong*)NativeMemory.Alloc(sizeof(ulong));
        *slot = value;
        return (ulong)slot;
    }
}
