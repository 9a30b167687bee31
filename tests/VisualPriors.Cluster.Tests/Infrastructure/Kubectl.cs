using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using VisualPriors.ChartTesting;

namespace VisualPriors.Cluster.Tests.Infrastructure;

/// <summary>The real kubectl, on the cluster that KUBECONFIG names.</summary>
internal static class Kubectl
{
    /// <summary>
    /// Seconds within which a deleted pod is gone: its grace period (20 to 30 s), then kubelet 1.20 may keep it until it next collects sandboxes, once
    /// in 60 s (kubernetes issue 97288), and reports what is left once in 10 s. The rest is room for a busy machine.
    /// </summary>
    public const int PodsGoneSeconds = 180;

    /// <summary>Deletes a test's namespace, for the next test to have the machine to itself.</summary>
    public static Task DeleteNamespaceAsync(string @namespace) => RunAsync("delete", "namespace", @namespace, $"--timeout={PodsGoneSeconds}s");

    public static Task<string> RunAsync(params string[] arguments) => Command.RunAsync(KubernetesTools.Kubectl, arguments);

    public static Task<CommandResult> TryAsync(params string[] arguments) => Command.TryAsync(KubernetesTools.Kubectl, arguments);

    public static Task<CommandResult> TryApplyAsync(string @namespace, string yaml) =>
        Command.TryAsync(KubernetesTools.Kubectl, ["apply", "--namespace", @namespace, "--filename", "-"], input: yaml);

    public static Task<string> ApplyAsync(string @namespace, string yaml) =>
        Command.RunAsync(KubernetesTools.Kubectl, ["apply", "--namespace", @namespace, "--filename", "-"], input: yaml);

    public static async Task<JsonNode> GetAsync(string @namespace, string kind, string name) =>
        JsonNode.Parse(await RunAsync("get", kind, name, "--namespace", @namespace, "--output", "json"))!;

    public static async Task<JsonArray> ListAsync(string @namespace, string kinds) =>
        JsonNode.Parse(await RunAsync("get", kinds, "--namespace", @namespace, "--output", "json"))!["items"]!.AsArray();

    /// <summary>Waits until a run or pipeline has one of the phases; fails at once where it has failed instead.</summary>
    public static async Task<JsonNode> WaitForPhaseAsync(string @namespace, string kind, string name, string phase, int seconds = 300)
    {
        JsonNode? last = null;
        for (var until = Stopwatch.GetTimestamp() + seconds * Stopwatch.Frequency; Stopwatch.GetTimestamp() < until;)
        {
            if ((await TryAsync("get", kind, name, "--namespace", @namespace, "--output", "json")) is { ExitCode: 0, Output: var json })
            {
                last = JsonNode.Parse(json);
                var now = (string?)last!["status"]?["phase"];
                if (now == phase)
                {
                    return last;
                }

                if (now is "Failed" or "Succeeded")
                {
                    break;
                }
            }

            await Task.Delay(500);
        }

        var events = (await TryAsync("get", "events,pods", "--namespace", @namespace)).Output;
        var logs = (await TryAsync("logs", "--namespace", Installation.OperatorNamespace, "deployment/visualpriors-operator", "--tail=30")).Output;
        throw new InvalidOperationException($"{kind} {name} is not {phase}:\n{last?["status"]}\n{events}\n{logs}");
    }

    /// <summary>Waits until a check holds; tells which pods there are where it never does.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> check, int seconds = 60, [CallerArgumentExpression(nameof(check))] string what = "")
    {
        for (var until = Stopwatch.GetTimestamp() + seconds * Stopwatch.Frequency; Stopwatch.GetTimestamp() < until;)
        {
            if (await check())
            {
                return;
            }

            await Task.Delay(300);
        }

        throw new TimeoutException($"never in {seconds} s: {what}\n{(await TryAsync("get", "pods", "--all-namespaces", "--output", "wide")).Output}");
    }
}
