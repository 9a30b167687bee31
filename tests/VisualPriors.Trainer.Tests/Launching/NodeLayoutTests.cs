using VisualPriors.Api.Errors;
using VisualPriors.Api.Resources;
using VisualPriors.Trainer.Launching;

namespace VisualPriors.Trainer.Tests.Launching;

public sealed class NodeLayoutTests
{
    private static readonly LaunchOptions Options = new() { Plan = "p.json", Grace = TimeSpan.FromSeconds(1) };

    [Fact]
    public void One_node_finds_its_port_and_makes_its_token_itself()
    {
        var layout = Of(Options with { Token = "an old one" }, new() { ProcessesPerNode = 2 });

        Assert.Equal(
            "RANK=1 LOCAL_RANK=1 WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 NODE_RANK=0 MASTER_ADDR=127.0.0.1 MASTER_PORT=4711 "
            + "VISUALPRIORS_RENDEZVOUS_TOKEN=fresh VISUALPRIORS_ATTEMPT VISUALPRIORS_PARENT_PIPE=1",
            Text(layout, 1));
    }

    [Fact]
    public void Of_several_nodes_each_has_the_ranks_after_those_before_it()
    {
        var options = Options with { NodeRank = 2, MasterAddress = "job-0.job", MasterPort = 99, Token = "secret", Attempt = 3 };

        var layout = Of(options, new() { Nodes = 3, GpusPerNode = 4 });

        Assert.Equal(
            "RANK=11 LOCAL_RANK=3 WORLD_SIZE=12 LOCAL_WORLD_SIZE=4 NODE_RANK=2 MASTER_ADDR=job-0.job MASTER_PORT=99 "
            + "VISUALPRIORS_RENDEZVOUS_TOKEN=secret VISUALPRIORS_ATTEMPT=3 VISUALPRIORS_PARENT_PIPE=1 CUDA_VISIBLE_DEVICES=3",
            Text(layout, 3));
    }

    [Fact]
    public void A_run_of_one_is_told_of_no_ranks_whatever_was_inherited()
    {
        var layout = Of(Options with { MasterPort = 99, Attempt = 3 }, new() { GpusPerNode = 1 });

        Assert.Equal(
            "RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE NODE_RANK MASTER_ADDR MASTER_PORT VISUALPRIORS_RENDEZVOUS_TOKEN "
            + "VISUALPRIORS_ATTEMPT=3 VISUALPRIORS_PARENT_PIPE=1 CUDA_VISIBLE_DEVICES=0",
            Text(layout, 0));
    }

    [Theory]
    [InlineData("4,5", 0, "4")]
    [InlineData(" 6 , 2 ", 1, "2")]
    [InlineData("GPU-aa,GPU-bb,GPU-cc", 1, "GPU-bb")]
    [InlineData(null, 1, "1")]
    public void An_outer_list_of_GPUs_is_what_is_handed_out(string? visible, int localRank, string device) =>
        Assert.Equal(device, Of(Options with { VisibleDevices = visible }, new() { GpusPerNode = 2 }).EnvironmentOf(localRank)["CUDA_VISIBLE_DEVICES"]);

    [Theory]
    [InlineData("")]
    [InlineData("3")]
    [InlineData("3,,")]
    public void Fewer_GPUs_than_processes_are_refused(string visible)
    {
        var error = Refused(Options with { VisibleDevices = visible }, new() { GpusPerNode = 2 });

        Assert.Equal(("CUDA_VISIBLE_DEVICES", $"'{visible}'"), (error.Field, error.Found));
    }

    [Theory]
    [InlineData("node", "--node-rank")]
    [InlineData("address", "--master-address")]
    [InlineData("port", "--master-port")]
    [InlineData("token", "VISUALPRIORS_RENDEZVOUS_TOKEN")]
    public void Several_nodes_have_to_be_told(string missing, string field)
    {
        var options = Options with { NodeRank = 0, MasterAddress = "a", MasterPort = 1, Token = "t" };
        options = missing switch
        {
            "node" => options with { NodeRank = null },
            "address" => options with { MasterAddress = null },
            "port" => options with { MasterPort = null },
            _ => options with { Token = null },
        };

        var error = Refused(options, new() { Nodes = 2 });

        Assert.Equal((field, "nothing"), (error.Field, error.Found));
        Assert.Contains("2 nodes", error.Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    public void A_node_beyond_the_plans_is_refused(int nodes, int nodeRank) => Assert.Equal(
        ("--node-rank", $"{nodeRank}"),
        Refused(Options with { NodeRank = nodeRank, MasterAddress = "a", MasterPort = 1, Token = "t" }, new() { Nodes = nodes }) is var error ? (error.Field, error.Found) : default);

    private static NodeLayout Of(LaunchOptions options, ComputeSpec compute) => NodeLayout.Of(options, compute, () => 4711, () => "fresh");

    private static InputError Refused(LaunchOptions options, ComputeSpec compute) =>
        Assert.Single(Assert.Throws<InvalidInputException>(() => Of(options, compute)).Errors);

    private static string Text(NodeLayout layout, int localRank) =>
        string.Join(' ', layout.EnvironmentOf(localRank).Select(variable => variable.Value is null ? variable.Key : $"{variable.Key}={variable.Value}"));
}
