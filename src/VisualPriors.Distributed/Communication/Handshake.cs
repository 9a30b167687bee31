using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace VisualPriors.Distributed.Communication;

/// <summary>What a connection is for.</summary>
internal enum LinkPurpose : byte
{
    /// <summary>To join the run; stays open to watch over the process.</summary>
    Join = 1,

    /// <summary>A <see cref="HostChannel"/>.</summary>
    Channel = 2,

    /// <summary>A ring of a group, from one rank to the next.</summary>
    Ring = 3,
}

/// <summary>Who connects, and what for.</summary>
/// <param name="Purpose">What the connection is for.</param>
/// <param name="Attempt">The attempt that the process belongs to.</param>
/// <param name="WorldSize">All processes of its run.</param>
/// <param name="Rank">Its rank.</param>
/// <param name="Number">Which channel or group the connection is for.</param>
/// <param name="Port">Where the process itself can be connected to; matters when it joins.</param>
/// <param name="Session">The rendezvous that it came out of; zero when it joins.</param>
internal readonly record struct Hello(LinkPurpose Purpose, int Attempt, int WorldSize, int Rank, int Number, ushort Port, Guid Session)
{
    public LinkKey Key => new(Purpose, Number, Rank, Session);
}

/// <summary>Which connection it is, as the listening side sees it.</summary>
/// <param name="Purpose">What it is for.</param>
/// <param name="Number">Which channel or group.</param>
/// <param name="Rank">The rank that connects.</param>
/// <param name="Session">The rendezvous that it comes out of; zero for a joining one.</param>
internal readonly record struct LinkKey(LinkPurpose Purpose, int Number, int Rank, Guid Session)
{
    public static LinkKey Join(int rank) => new(LinkPurpose.Join, 0, rank, Guid.Empty);
}

/// <summary>Why a process is refused.</summary>
internal enum Refusal : byte
{
    None = 0,

    /// <summary>It will not be otherwise when it tries again.</summary>
    Final = 1,

    /// <summary>It met a process of an older attempt that has not gone yet.</summary>
    Later = 2,
}

/// <summary>A refused connection.</summary>
/// <param name="refusal">Of which kind.</param>
/// <param name="message">Why.</param>
internal sealed class RefusedException(Refusal refusal, string message) : Exception(message)
{
    public Refusal Refusal => refusal;
}

/// <summary>The other side does not speak this protocol: a port scanner, a web browser, another program's port.</summary>
internal sealed class StrangerException(string message) : Exception(message);

/// <summary>
/// How two processes get to know each other on a new connection: the connecting one says hello, is challenged with a nonce, proves that it
/// knows the attempt's token (HMAC-SHA256 over hello and both nonces), and has the same proven to it. The token itself is never sent. What
/// follows on the connection is neither encrypted nor signed: the network itself must keep others from changing packets.
/// </summary>
internal static class Handshake
{
    /// <summary>Version of everything that processes say to each other: all of a run are of one build.</summary>
    public const ushort Version = 1;

    private const int NonceLength = 32;
    private const int ProofLength = HMACSHA256.HashSizeInBytes;
    private const int HelloLength = 78;
    private const int PrefixLength = 10;
    private const int MaximumMessageLength = 1024;

    private static ReadOnlySpan<byte> Magic => "vprndzvs"u8;

    /// <summary>The connecting side.</summary>
    /// <exception cref="RefusedException">The other side refuses, with the reason that it gave.</exception>
    /// <exception cref="StrangerException">The other side is no process of a run.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public static void Introduce(PeerLink link, in Hello hello, byte[] token, in Patience patience)
    {
        Span<byte> transcript = stackalloc byte[HelloLength + NonceLength];
        Write(hello, transcript);
        link.Send(transcript[..HelloLength], patience);

        Span<byte> magic = stackalloc byte[Magic.Length];
        link.Receive(magic, patience);
        if (!magic.SequenceEqual(Magic))
        {
            throw new StrangerException("what answers there is no process of a run");
        }

        ReceiveVerdict(link, patience);
        link.Receive(transcript[HelloLength..], patience);
        link.Send(Proof(token, "client"u8, transcript), patience);
        ReceiveVerdict(link, patience);
        Span<byte> proof = stackalloc byte[ProofLength];
        link.Receive(proof, patience);
        if (!CryptographicOperations.FixedTimeEquals(proof, Proof(token, "server"u8, transcript)))
        {
            throw new RefusedException(Refusal.Final, "the other side does not know this attempt's token");
        }
    }

    /// <summary>The listening side, up to the proof of the connecting one; <see cref="Welcome"/> or <see cref="Refused"/> must follow.</summary>
    /// <param name="link">The connection.</param>
    /// <param name="attempt">The own attempt.</param>
    /// <param name="worldSize">The own world size.</param>
    /// <param name="token">The attempt's token.</param>
    /// <param name="patience">For all of it.</param>
    /// <param name="welcome">What <see cref="Welcome"/> sends.</param>
    /// <exception cref="RefusedException">It is refused, and was told why.</exception>
    /// <exception cref="StrangerException">The other side is no process of a run.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public static Hello Hear(PeerLink link, int attempt, int worldSize, byte[] token, in Patience patience, out byte[] welcome)
    {
        Span<byte> transcript = stackalloc byte[HelloLength + NonceLength];
        link.Receive(transcript[..PrefixLength], patience);
        if (!transcript.StartsWith(Magic))
        {
            throw new StrangerException("it does not speak the protocol");
        }

        // Sent before everything else, so that a refusal is understood whatever it is about.
        link.Send(Magic, patience);
        var version = BinaryPrimitives.ReadUInt16LittleEndian(transcript[Magic.Length..]);
        if (version != Version)
        {
            throw Refused(link, Refusal.Final, $"it speaks version {version} of the protocol, this run version {Version}: all processes must be of one build", patience);
        }

        link.Receive(transcript[PrefixLength..HelloLength], patience);
        var hello = Read(transcript);
        if (hello.Attempt != attempt)
        {
            var refusal = hello.Attempt < attempt ? Refusal.Final : Refusal.Later;
            throw Refused(link, refusal, $"it belongs to attempt {hello.Attempt}, here runs attempt {attempt}", patience);
        }

        if (hello.WorldSize != worldSize)
        {
            throw Refused(link, Refusal.Final, $"it is one of {hello.WorldSize} processes, this run has {worldSize}", patience);
        }

        if (hello.Rank < 0 || hello.Rank >= worldSize)
        {
            throw Refused(link, Refusal.Final, $"its rank {hello.Rank} is none of 0 to {worldSize - 1}", patience);
        }

        RandomNumberGenerator.Fill(transcript[HelloLength..]);
        link.Send([(byte)Refusal.None, .. transcript[HelloLength..]], patience);
        Span<byte> proof = stackalloc byte[ProofLength];
        link.Receive(proof, patience);
        if (!CryptographicOperations.FixedTimeEquals(proof, Proof(token, "client"u8, transcript)))
        {
            throw Refused(link, Refusal.Final, "it does not know this attempt's token", patience);
        }

        welcome = [(byte)Refusal.None, .. Proof(token, "server"u8, transcript)];
        return hello;
    }

    /// <summary>Ends a handshake well.</summary>
    public static void Welcome(PeerLink link, byte[] welcome, in Patience patience) => link.Send(welcome, patience);

    /// <summary>Tells the connecting side why it is refused.</summary>
    /// <returns>To throw.</returns>
    public static RefusedException Refused(PeerLink link, Refusal refusal, string message, in Patience patience)
    {
        var text = Encoding.UTF8.GetBytes(message);
        Span<byte> length = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)text.Length);
        link.Send([(byte)refusal, .. length, .. text], patience);
        return new RefusedException(refusal, message);
    }

    /// <summary>Reads a verdict: nothing more when it is good.</summary>
    /// <exception cref="RefusedException">It is not, with the reason given.</exception>
    /// <exception cref="StrangerException">It is no verdict.</exception>
    public static void ReceiveVerdict(PeerLink link, in Patience patience)
    {
        Span<byte> head = stackalloc byte[sizeof(ushort)];
        link.Receive(head[..1], patience);
        var refusal = (Refusal)head[0];
        if (refusal == Refusal.None)
        {
            return;
        }

        link.Receive(head, patience);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(head);
        if (refusal is not (Refusal.Final or Refusal.Later) || length > MaximumMessageLength)
        {
            throw new StrangerException("what answers there does not keep to the protocol");
        }

        var text = new byte[length];
        link.Receive(text, patience);
        throw new RefusedException(refusal, Printable(Encoding.UTF8.GetString(text)));
    }

    /// <summary>Text of another process, fit for a log.</summary>
    public static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));

    private static byte[] Proof(byte[] token, ReadOnlySpan<byte> side, ReadOnlySpan<byte> transcript) =>
        HMACSHA256.HashData(token, (byte[])[.. side, .. transcript]);

    private static void Write(in Hello hello, Span<byte> destination)
    {
        destination.Clear();
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[8..], Version);
        destination[10] = (byte)hello.Purpose;
        BinaryPrimitives.WriteInt32LittleEndian(destination[12..], hello.Attempt);
        BinaryPrimitives.WriteInt32LittleEndian(destination[16..], hello.WorldSize);
        BinaryPrimitives.WriteInt32LittleEndian(destination[20..], hello.Rank);
        BinaryPrimitives.WriteInt32LittleEndian(destination[24..], hello.Number);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[28..], hello.Port);
        var nonce = destination[30..HelloLength];
        hello.Session.TryWriteBytes(nonce);
        RandomNumberGenerator.Fill(nonce[16..]);
    }

    private static Hello Read(ReadOnlySpan<byte> source) => new(
        (LinkPurpose)source[10],
        BinaryPrimitives.ReadInt32LittleEndian(source[12..]),
        BinaryPrimitives.ReadInt32LittleEndian(source[16..]),
        BinaryPrimitives.ReadInt32LittleEndian(source[20..]),
        BinaryPrimitives.ReadInt32LittleEndian(source[24..]),
        BinaryPrimitives.ReadUInt16LittleEndian(source[28..]),
        new Guid(source.Slice(30, 16)));
}
