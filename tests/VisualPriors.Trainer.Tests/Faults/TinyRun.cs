using System.Diagnostics;
using System.Globalization;
using VisualPriors.Api.Models;
using VisualPriors.Api.Plans;
using VisualPriors.Api.Resources;
using VisualPriors.Data.Text;
using VisualPriors.Data.Tokenization;
using VisualPriors.Storage;

namespace VisualPriors.Trainer.Tests.Faults;

/// <summary>A pre-training of a second or two, and the real trainer that carries it out: launcher and rank processes.</summary>
internal sealed class TinyRun : IDisposable
{
    public const int Steps = 240;
    private const int GlobalBatchSize = 8;
    private const int SequenceLength = 16;
    private readonly List<TrainerRun> _started = [];

    public TinyRun()
    {
        var documents = Enumerable.Range(0, 60).Select(i => new TextDocument("math", $"{i} and {i} make {i + i}; twice that is {4 * i}")).ToList();
        var tokenizer = Path.Combine(Root, "tokenizer.json");
        BytePairTrainer.Train(documents.Select(document => document.Text), 262, default).Save(tokenizer);
        using var corpus = new ArtifactWriter(Corpus);
        CorpusBuilder.Build([new("math", "", "")], documents, tokenizer, corpus, 0.2, default);
        corpus.Commit(ArtifactKind.TextCorpus);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("vp-faults-").FullName;

    public string Corpus => Path.Combine(Root, "corpus");

    /// <summary>Starts an attempt.</summary>
    /// <param name="name">Names its artifact and its checkpoints: attempts of one name go on with each other.</param>
    /// <param name="compute">Ranks and sharding.</param>
    /// <param name="checkpoint">When to save.</param>
    /// <param name="address">Where to save; null beside the artifact.</param>
    /// <param name="environment">More variables.</param>
    /// <param name="change">Makes another plan of it.</param>
    /// <param name="within">A command that runs the launcher's, which is appended.</param>
    public TrainerRun Start(
        string name,
        ComputeSpec compute,
        CheckpointSpec checkpoint,
        string? address = null,
        IReadOnlyDictionary<string, string>? environment = null,
        Func<StagePlan, StagePlan>? change = null,
        IReadOnlyList<string>? within = null)
    {
        var plan = Path.Combine(Root, $"{name}.json");
        var written = Plan(name, compute, checkpoint, address);
        File.WriteAllBytes(plan, PlanJson.Write(change is null ? written : change(written)));
        var run = new TrainerRun(plan, environment ?? new Dictionary<string, string>(), within ?? []);
        _started.Add(run);
        return run;
    }

    /// <summary>Bytes of what an attempt's artifact says of its weights and of its way there.</summary>
    public (byte[] Weights, string[] Metrics) ResultOf(string name) => (
        File.ReadAllBytes(Path.Combine(Root, name, "language-model", "model.safetensors")), File.ReadAllLines(Path.Combine(Root, name, "metrics.jsonl")));

    public void Dispose()
    {
        _started.ForEach(run => run.Dispose());
        Directory.Delete(Root, recursive: true);
    }

    private StagePlan Plan(string name, ComputeSpec compute, CheckpointSpec checkpoint, string? address) => new()
    {
        Version = StagePlan.CurrentVersion,
        Run = name,
        Computation = new PretrainComputation
        {
            Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = Artifact.Open(Corpus).Digest },
            Seed = 7,
            Precision = Precision.Fp32,
            Model = new DecoderDimensions { Layers = 2, HiddenSize = 32, Heads = 2, KeyValueHeads = 1, FeedForwardSize = 64 },
            Mixture = new Dictionary<string, decimal> { ["math"] = 1 },
            Training = new PretrainTrainingSpec
            {
                Tokens = Steps * GlobalBatchSize * SequenceLength,
                SequenceLength = SequenceLength,
                GlobalBatchSize = GlobalBatchSize,
                Optimizer = new OptimizerSpec { LearningRate = 0.003, WarmupSteps = 10 },
                Validation = new ValidationSpec { EverySteps = 50, Sequences = 3 },
            },
        },
        Placement = new StagePlacement
        {
            Inputs = new Dictionary<string, string> { [StageInputs.Corpus] = Corpus },
            Output = Path.Combine(Root, name),
            Compute = compute with { Threads = 1 },
            Checkpoints = new CheckpointPlacement { Address = address ?? new Uri(Path.Combine(Root, "checkpoints", name)).AbsoluteUri, Policy = checkpoint },
        },
    };
}

/// <summary>One attempt: a launcher process and what it says.</summary>
internal sealed class TrainerRun : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private readonly Process _launcher;
    private readonly List<string> _log = [];
    private readonly Task _errors;
    private HashSet<int> _ranks = [];

    public TrainerRun(string plan, IReadOnlyDictionary<string, string> environment, IReadOnlyList<string> within)
    {
        IReadOnlyList<string> command = [.. within, "dotnet", typeof(StageRunner).Assembly.Location, "launch", "--plan", plan];
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        _launcher = Process.Start(start)!;
        _errors = Task.Run(async () =>
        {
            while (await _launcher.StandardError.ReadLineAsync() is { } line)
            {
                lock (_log)
                {
                    _log.Add(line);
                }
            }
        });
    }

    /// <summary>Process id of the launcher.</summary>
    public int LauncherId => _launcher.Id;

    /// <summary>The launcher's log, with the ranks' lines in it.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return string.Join('\n', _log);
            }
        }
    }

    /// <summary>Waits until training has come to a step; gives the last progress heard.</summary>
    public ProgressReport WaitForStep(long step) => WaitFor(progress => progress.Step >= step);

    /// <summary>Waits for progress of some kind.</summary>
    public ProgressReport WaitFor(Func<ProgressReport, bool> condition)
    {
        while (ReadMessage() is { } message)
        {
            if (message.Progress is { } progress && condition(progress))
            {
                _ranks = [.. Children(_launcher.Id)];
                return progress;
            }
        }

        throw new InvalidOperationException($"the attempt ended before that:\n{Log}");
    }

    /// <summary>Waits until the log says something.</summary>
    public void WaitForLog(string text)
    {
        for (var until = DateTime.UtcNow + Patience; !Log.Contains(text, StringComparison.Ordinal); Thread.Sleep(20))
        {
            Assert.True(DateTime.UtcNow < until && !_launcher.HasExited, Log);
        }
    }

    /// <summary>Process id of a rank.</summary>
    public int RankId(int rank) => Children(_launcher.Id).Single(id =>
        Read($"/proc/{id}/environ").Split('\0').Contains($"RANK={rank.ToString(CultureInfo.InvariantCulture)}"));

    /// <summary>Sends a signal.</summary>
    public static void Signal(int process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Waits for the end.</summary>
    public async Task<(int ExitCode, StageOutcome? Outcome)> EndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        StageOutcome? outcome = null;
        while (await _launcher.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            outcome = PlanJson.TryReadLine(line, out var message) ? message.Outcome ?? outcome : outcome;
        }

        await _launcher.WaitForExitAsync(patience.Token);
        await _errors.WaitAsync(patience.Token);
        return (_launcher.ExitCode, outcome);
    }

    /// <summary>Waits until no rank process is left.</summary>
    public void WaitForRanksToEnd()
    {
        var until = DateTime.UtcNow + Patience;
        while (_ranks.Any(IsAlive))
        {
            Assert.True(DateTime.UtcNow < until, "a rank outlives its launcher");
            Thread.Yield();
        }
    }

    public void Dispose()
    {
        if (!_launcher.HasExited)
        {
            _launcher.Kill(entireProcessTree: true);
        }

        foreach (var rank in _ranks.Where(IsAlive))
        {
            Signal(rank, "KILL");
        }

        _launcher.Dispose();
    }

    private TrainerMessage? ReadMessage()
    {
        while (_launcher.StandardOutput.ReadLine() is { } line)
        {
            if (PlanJson.TryReadLine(line, out var message))
            {
                return message;
            }
        }

        return null;
    }

    private static IEnumerable<int> Children(int process) =>
        Directory.GetDirectories($"/proc/{process}/task")
            .SelectMany(task => Read(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(id => int.Parse(id, CultureInfo.InvariantCulture));

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return ""; // threads come and go
        }
    }

    private static bool IsAlive(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/stat").Split(") ")[1][0] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }
}
