using System.Buffers.Binary;
using VisualPriors.Distributed.Communication;

namespace VisualPriors.Training.Loops;

/// <summary>What all ranks know of a step before it begins.</summary>
/// <param name="SupervisedTokens">Supervised tokens of the global batch: what its loss is divided by.</param>
/// <param name="Tokens">Tokens of the global batch, padding not counted.</param>
/// <param name="Stop">Whether any rank was asked to stop: then all do, before this step.</param>
internal sealed record StepAgreement(long SupervisedTokens, long Tokens, bool Stop)
{
    /// <summary>Puts every rank's part together; every rank calls it once a step.</summary>
    public static StepAgreement Reach(HostChannel channel, StepAgreement own)
    {
        Span<byte> message = stackalloc byte[17];
        BinaryPrimitives.WriteInt64LittleEndian(message, own.SupervisedTokens);
        BinaryPrimitives.WriteInt64LittleEndian(message[8..], own.Tokens);
        message[16] = own.Stop ? (byte)1 : (byte)0;
        var all = channel.AllGather(message, CancellationToken.None);
        return new StepAgreement(
            all.Sum(part => BinaryPrimitives.ReadInt64LittleEndian(part)),
            all.Sum(part => BinaryPrimitives.ReadInt64LittleEndian(part.AsSpan(8))),
            all.Any(part => part[16] != 0));
    }
}
