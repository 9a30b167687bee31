using System.Net;
using System.Net.Sockets;
using System.Text;
using TorchSharp;
using VisualPriors.Distributed.Communication;

namespace VisualPriors.Distributed.Tests.Communication;

public sealed class RendezvousTests
{
    public static TheoryData<string> Strangers => ["http", "garbage", "silence", "hang-up", "half", "old-build", "flood"];

    [Theory]
    [MemberData(nameof(Strangers))]
    public void A_stranger_is_turned_away_and_the_others_join(string stranger)
    {
        var port = Worlds.FreePort();
        using var isMet = new ManualResetEventSlim();
        var failures = Worlds.Try(
            () => Join(Worlds.Settings(2, port)),
            () =>
            {
                using var socket = Connect(port);
                Speak(socket, stranger);
                isMet.Set();
                if (stranger is not ("silence" or "half" or "hang-up"))
                {
                    // It is hung up on, without an answer that would tell a stranger anything of the run.
                    var answer = Drain(socket);
                    Assert.True(stranger == "old-build" ? answer.Contains("speaks version 99 of the protocol", StringComparison.Ordinal) : answer.Length == 0);
                }

                Join(Worlds.Settings(2, port, 1));
            });
        Assert.All(failures, Assert.Null);
    }

    [Fact]
    public void Who_does_not_belong_is_told_why_and_the_others_go_on()
    {
        var port = Worlds.FreePort();
        var refused = new List<(string Expected, Exception? Actual)>();
        var failures = Worlds.Try(
            () => Join(Worlds.Settings(2, port)),
            () =>
            {
                var stale = Worlds.Settings(2, port, 1);
                refused.Add(("it belongs to attempt 2, here runs attempt 3", Worlds.Try(() => Join(stale with { Attempt = 2 }))[0]));
                refused.Add(("it is one of 4 processes, this run has 2", Worlds.Try(() => Join(stale with { WorldSize = 4 }))[0]));
                refused.Add(("it does not know this attempt's token", Worlds.Try(() => Join(stale with { Token = "another token for these tests" }))[0]));
                Join(stale);
            });
        Assert.All(failures, Assert.Null);
        Assert.All(refused, one => Assert.Contains(one.Expected, Assert.IsType<RendezvousException>(one.Actual).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_second_process_of_a_rank_is_refused_and_the_first_goes_on()
    {
        var port = Worlds.FreePort();
        using var isRefused = new ManualResetEventSlim();
        using var oneIsIn = new ManualResetEventSlim();
        var failures = Worlds.Try(
            () => Join(Worlds.Settings(3, port)),
            () => JoinUnlessRefused(),
            () => JoinUnlessRefused(),
            () =>
            {
                // Not all are there before one of the two was refused.
                Assert.True(isRefused.Wait(Worlds.Patience));
                Join(Worlds.Settings(3, port, 2));
            });
        Assert.Null(failures[0]);
        Assert.Null(failures[3]);
        Assert.Single(failures, failure => failure is RendezvousException { Message: var message } && message.Contains("rank 1 has joined already", StringComparison.Ordinal));

        void JoinUnlessRefused()
        {
            try
            {
                Join(Worlds.Settings(3, port, 1));
            }
            catch (RendezvousException)
            {
                isRefused.Set();
                throw;
            }
        }
    }

    [Fact]
    public void A_process_that_comes_when_all_have_joined_is_refused_too()
    {
        var port = 0;
        Worlds.Run(
            2,
            world =>
            {
                if (world.Rank == 0)
                {
                    var late = Worlds.Try(() => Join(Worlds.Settings(2, port, 1)), () => Join(Worlds.Settings(2, port, 1) with { Attempt = 1 }));
                    Assert.Contains("rank 1 has joined already", Assert.IsType<RendezvousException>(late[0]).Message, StringComparison.Ordinal);
                    Assert.Contains("attempt 1", Assert.IsType<RendezvousException>(late[1]).Message, StringComparison.Ordinal);
                }

                world.Steps.AllGather([], CancellationToken.None);
            },
            settings =>
            {
                port = settings.MasterPort;
                return settings;
            });
    }

    [Fact]
    public void A_rank_that_died_before_all_had_joined_makes_room_for_another()
    {
        var token = Encoding.UTF8.GetBytes(Worlds.Settings(3, 0).Token);
        using var listener = new PeerListener(Worlds.Settings(3, 0), token, 0);
        using (Introduce())
        {
            Assert.Equal([2], listener.MissingRanks());
            Assert.Throws<RefusedException>(Introduce);
        }

        Assert.True(SpinWait.SpinUntil(() => listener.MissingRanks().Count == 2, Worlds.Patience));
        using var second = Introduce();
        Assert.Equal([2], listener.MissingRanks());

        PeerLink Introduce()
        {
            var patience = new Patience(Worlds.Patience, null, CancellationToken.None);
            var link = PeerLink.Connect(new IPEndPoint(IPAddress.Loopback, listener.Port), patience);
            try
            {
                Handshake.Introduce(link, new Hello(LinkPurpose.Join, 3, 3, 1, 0, 0, Guid.Empty), token, patience);
                return link;
            }
            catch
            {
                link.Dispose();
                throw;
            }
        }
    }

    [Fact]
    public void The_master_names_the_ranks_that_did_not_come_and_the_others_hear_of_it()
    {
        var port = Worlds.FreePort();
        var failures = Worlds.Try(
            () => Join(Worlds.Settings(4, port) with { JoinTimeout = TimeSpan.FromSeconds(2) }),
            () => Join(Worlds.Settings(4, port, 2)),
            () => Join(Worlds.Settings(5, port, 4)));
        foreach (var failure in failures[..2])
        {
            Assert.EndsWith("1, 3", Assert.IsType<RendezvousException>(failure).Message.Split(". Refused")[0], StringComparison.Ordinal);
            Assert.Contains($"127.0.0.1:{port}", failure.Message, StringComparison.Ordinal);
        }

        Assert.Contains("it is one of 5 processes", failures[0]!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_master_that_is_not_there_yet_is_waited_for()
    {
        var port = Worlds.FreePort();
        using var isTrying = new ManualResetEventSlim();
        var failures = Worlds.Try(
            () =>
            {
                // Something else answers there first: a name that still leads to an older machine, a process that is about to end.
                using (var other = new TcpListener(IPAddress.Loopback, port))
                {
                    other.Start();
                    using var socket = other.AcceptSocket();
                    socket.Send("220 mail\r\n"u8);
                }

                Join(Worlds.Settings(2, port));
            },
            () => Join(Worlds.Settings(2, port, 1)));
        Assert.All(failures, Assert.Null);
    }

    [Fact]
    public void A_master_of_an_older_attempt_is_waited_out()
    {
        var port = Worlds.FreePort();
        using var stop = new CancellationTokenSource();
        var older = Task.Run(() => Join(Worlds.Settings(2, port) with { Attempt = 2 }, stop.Token));
        var failures = Worlds.Try(
            () => Join(Worlds.Settings(2, port, 1)),
            () =>
            {
                using (var probe = Connect(port))
                {
                    stop.Cancel();
                }

                Join(Worlds.Settings(2, port));
            });
        Assert.All(failures, Assert.Null);
        Assert.ThrowsAny<OperationCanceledException>(() => older.GetAwaiter().GetResult());
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1:")]
    [InlineData("no-such-host.invalid", "the name does not resolve")]
    public void A_master_that_never_comes_ends_the_wait(string address, string expected)
    {
        var settings = Worlds.Settings(2, Worlds.FreePort(), 1) with { MasterAddress = address, JoinTimeout = TimeSpan.FromSeconds(1) };
        var failure = Assert.IsType<RendezvousException>(Worlds.Try(() => Join(settings))[0]);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.Contains($"{address}:{settings.MasterPort}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_false_master_that_does_not_know_the_token_is_not_believed()
    {
        var port = Worlds.FreePort();
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        byte[] said = [];
        var failures = Worlds.Try(
            () =>
            {
                using var socket = listener.AcceptSocket();
                var hello = new byte[78 + 32];
                for (var length = 0; length < 78; length += socket.Receive(hello, length, 78 - length, SocketFlags.None))
                {
                }

                socket.Send([.. "vprndzvs"u8, 0, .. new byte[32]]);
                for (var length = 78; length < hello.Length; length += socket.Receive(hello, length, hello.Length - length, SocketFlags.None))
                {
                }

                socket.Send([0, .. new byte[32]]);
                said = hello;
            },
            () => Join(Worlds.Settings(2, port, 1)));
        Assert.Null(failures[0]);
        Assert.Contains("does not know this attempt's token", Assert.IsType<RendezvousException>(failures[1]).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Worlds.Token, Encoding.Latin1.GetString(said), StringComparison.Ordinal);
    }

    [Fact]
    public void Joining_can_be_stopped()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var port = Worlds.FreePort();
        Assert.All(
            Worlds.Try(() => Join(Worlds.Settings(3, port), stop.Token), () => Join(Worlds.Settings(3, port, 1), stop.Token)),
            failure => Assert.IsAssignableFrom<OperationCanceledException>(failure));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("localhost", "127.0.0.1")]
    [InlineData("::1", "::1")]
    public void A_run_on_one_machine_listens_to_nobody_else(string master, string expected) =>
        Assert.Equal(IPAddress.Parse(expected), PeerListener.ListeningAddress(master));

    [Theory]
    [InlineData("node-0.run")]
    [InlineData("10.1.2.3")]
    public void A_run_on_many_machines_listens_to_all(string master) =>
        Assert.Contains(PeerListener.ListeningAddress(master), (IPAddress[])[IPAddress.Any, IPAddress.IPv6Any]);

    [Fact]
    public void A_process_on_the_master_s_machine_is_found_where_the_master_is()
    {
        var roster = new Roster(Guid.NewGuid(), [new(IPAddress.Loopback, 1), new(IPAddress.Loopback, 2), new(IPAddress.Parse("10.0.0.7"), 3), new(IPAddress.IPv6Loopback, 4)]);
        var read = Roster.From(roster.ToBytes());
        Assert.Equal(roster.Session, read.Session);
        Assert.Equal(
            ["10.0.0.5:1", "10.0.0.5:2", "10.0.0.7:3", "10.0.0.5:4"],
            Enumerable.Range(0, 4).Select(rank => $"{read.EndpointOf(rank, IPAddress.Parse("10.0.0.5"))}"));
    }

    private static void Join(RendezvousSettings settings, CancellationToken cancellationToken = default)
    {
        using var world = JoinedWorld.Join(settings, DeviceType.CPU, cancellationToken);
        world.Steps.AllGather([], cancellationToken);
    }

    private static Socket Connect(int port)
    {
        for (var tries = 0; ; tries++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, port);
                return socket;
            }
            catch (SocketException) when (tries < 1000)
            {
                socket.Dispose();
                Thread.Sleep(10);
            }
        }
    }

    private static void Speak(Socket socket, string stranger)
    {
        switch (stranger)
        {
            case "http":
                socket.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
                break;
            case "garbage":
                var bytes = new byte[64];
                new Random(1).NextBytes(bytes);
                socket.Send(bytes);
                break;
            case "half":
                socket.Send("vprndzvs"u8);
                break;
            case "hang-up":
                socket.Close();
                break;
            case "old-build":
                socket.Send([.. "vprndzvs"u8, 99, 0, .. new byte[68]]);
                break;
            case "flood":
                try
                {
                    for (var i = 0; i < 100; i++)
                    {
                        socket.Send(new byte[1 << 20]);
                    }
                }
                catch (SocketException)
                {
                    // Hung up on, as it should be.
                }

                break;
        }
    }

    private static string Drain(Socket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[1024];
        try
        {
            for (int length; (length = socket.Receive(buffer)) > 0;)
            {
                text.Append(Encoding.Latin1.GetString(buffer, 0, length));
            }
        }
        catch (SocketException)
        {
            // Hung up on with bytes unread.
        }

        return text.ToString();
    }
}
