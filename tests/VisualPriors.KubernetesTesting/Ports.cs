using System.Net;
using System.Net.Sockets;

namespace VisualPriors.KubernetesTesting;

/// <summary>Ports that the system gives.</summary>
public static class Ports
{
    /// <summary>A loopback port that is free now.</summary>
    public static int Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
