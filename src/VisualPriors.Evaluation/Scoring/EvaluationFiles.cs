using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using VisualPriors.Api.Errors;

namespace VisualPriors.Evaluation.Scoring;

/// <summary>Reads and writes what an evaluation leaves in its artifact.</summary>
public static class EvaluationFiles
{
    /// <summary>Name of the file with the scores.</summary>
    public const string ResultsName = "results.json";

    /// <summary>Name of the file with every question and answer, one JSON object a line.</summary>
    public const string SamplesName = "samples.jsonl";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    // Questions and answers are for people too: letters outside ASCII stay letters. Nothing here is put into HTML unencoded.
    private static readonly EvaluationJson Compact = new(new JsonSerializerOptions(EvaluationJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    private static readonly EvaluationJson Indented = new(new JsonSerializerOptions(Compact.Options) { WriteIndented = true });

    /// <summary>Writes <c>results.json</c> and <c>samples.jsonl</c> into a folder.</summary>
    public static void Write(string directory, EvaluationResults results, IEnumerable<AnswerRecord> samples)
    {
        File.WriteAllText(Path.Combine(directory, ResultsName), JsonSerializer.Serialize(results, Indented.EvaluationResults), Utf8);
        using var writer = new StreamWriter(Path.Combine(directory, SamplesName), append: false, Utf8) { NewLine = "\n" };
        foreach (var sample in samples)
        {
            writer.WriteLine(JsonSerializer.Serialize(sample, Compact.AnswerRecord));
        }
    }

    /// <summary>Reads a <c>results.json</c>.</summary>
    /// <exception cref="InvalidInputException">It is not there or not of this form.</exception>
    public static EvaluationResults ReadResults(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), Compact.EvaluationResults)
                ?? throw new InvalidInputException(path, null, "null", "evaluation results");
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, e.Path, e.Message, "evaluation results", (int?)(e.LineNumber + 1));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException(path, null, "no such file", "evaluation results");
        }
    }

    /// <summary>Reads a <c>samples.jsonl</c>, line by line.</summary>
    /// <exception cref="InvalidInputException">It is not there, or a line is not of this form.</exception>
    public static IEnumerable<AnswerRecord> ReadSamples(string path)
    {
        if (!File.Exists(path))
        {
            throw new InvalidInputException(path, null, "no such file", "one answered question a line");
        }

        var line = 0;
        foreach (var text in File.ReadLines(path))
        {
            line++;
            yield return ReadSample(path, line, text);
        }
    }

    private static AnswerRecord ReadSample(string path, int line, string text)
    {
        AnswerRecord? sample;
        try
        {
            sample = JsonSerializer.Deserialize(text, Compact.AnswerRecord);
        }
        catch (JsonException e)
        {
            throw new InvalidInputException(path, e.Path, e.Message, "an answered question", line);
        }

        if (sample is null)
        {
            throw new InvalidInputException(path, null, "null", "an answered question", line);
        }

        var choices = sample.Choices.Count;
        CheckIndex("answer", sample.Answer);
        CheckIndex("chosen", sample.Chosen ?? 0);
        CheckIndex("blindChosen", sample.BlindChosen ?? 0);
        return sample;

        void CheckIndex(string field, int index)
        {
            if (index < 0 || index >= choices)
            {
                throw new InvalidInputException(path, field, $"{index}", $"the index of one of {choices} choices", line);
            }
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(EvaluationResults))]
[JsonSerializable(typeof(AnswerRecord))]
internal sealed partial class EvaluationJson : JsonSerializerContext;
