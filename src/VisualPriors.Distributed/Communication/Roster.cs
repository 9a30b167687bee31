using System.Buffers.Binary;
using System.Net;

namespace VisualPriors.Distributed.Communication;

/// <summary>What the master tells everybody once all have joined.</summary>
/// <param name="Session">Names this rendezvous; connections between its processes carry it.</param>
/// <param name="Endpoints">By rank: where each listens, as the master sees it.</param>
internal sealed record Roster(Guid Session, IReadOnlyList<IPEndPoint> Endpoints)
{
    private const int EntryLength = 1 + 16 + sizeof(ushort);
    private const int AddressPlace = 1;
    private const int PortPlace = 17;

    /// <summary>Size of a roster as bytes; depends on nothing but the world size.</summary>
    public static int LengthFor(int worldSize) => 16 + (worldSize * EntryLength);

    public byte[] ToBytes()
    {
        var bytes = new byte[LengthFor(Endpoints.Count)];
        Session.TryWriteBytes(bytes);
        for (var rank = 0; rank < Endpoints.Count; rank++)
        {
            var entry = bytes.AsSpan(16 + (rank * EntryLength), EntryLength);
            Endpoints[rank].Address.TryWriteBytes(entry[AddressPlace..], out var length);
            entry[0] = (byte)length;
            BinaryPrimitives.WriteUInt16LittleEndian(entry[PortPlace..], (ushort)Endpoints[rank].Port);
        }

        return bytes;
    }

    /// <summary>Reads a roster of a known world size.</summary>
    /// <exception cref="StrangerException">It is none.</exception>
    public static Roster From(ReadOnlySpan<byte> bytes)
    {
        var endpoints = new IPEndPoint[(bytes.Length - 16) / EntryLength];
        for (var rank = 0; rank < endpoints.Length; rank++)
        {
            var entry = bytes.Slice(16 + (rank * EntryLength), EntryLength);
            if (entry[0] is not (4 or 16))
            {
                throw new StrangerException($"the address of rank {rank} is {entry[0]} bytes long");
            }

            endpoints[rank] = new IPEndPoint(
                new IPAddress(entry.Slice(AddressPlace, entry[0])), BinaryPrimitives.ReadUInt16LittleEndian(entry[PortPlace..]));
        }

        return new Roster(new Guid(bytes[..16]), endpoints);
    }

    /// <summary>
    /// Where to connect to for a rank. A loopback address means "on the master's machine", which from elsewhere is where the master is.
    /// </summary>
    /// <param name="rank">The rank.</param>
    /// <param name="master">The address at which this process reached the master.</param>
    public IPEndPoint EndpointOf(int rank, IPAddress master) =>
        IPAddress.IsLoopback(Endpoints[rank].Address) ? new IPEndPoint(master, Endpoints[rank].Port) : Endpoints[rank];
}
