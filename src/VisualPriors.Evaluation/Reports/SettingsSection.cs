using System.Globalization;
using System.Text;
using System.Text.Json;

namespace VisualPriors.Evaluation.Reports;

/// <summary>The settings of every stage, as its plan has them: whatever a plan says is shown, so that nothing new is forgotten here.</summary>
internal static class SettingsSection
{
    public static Markup Render(ReportContent content)
    {
        var tables = new Markup();
        var any = false;
        foreach (var stage in content.Stages.Where(stage => stage.Computation is not null))
        {
            any = true;
            var rows = new Markup();
            AddRows(rows, "", stage.Computation!.Value);
            tables.Add($"""<div class="settings"><h3>{stage.Record.Run}</h3><table><tbody>{rows}</tbody></table></div>""");
        }

        return any
            ? Markup.Of($"""
                <section id="settings"><h2>Settings</h2><p class="lead">Everything that decides the result, defaults filled in.</p><div class="columns">{tables}</div></section>

                """)
            : tables;
    }

    private static void AddRows(Markup rows, string group, JsonElement element)
    {
        // Plain values first, so that a group's heading stands over its own values only.
        foreach (var member in element.EnumerateObject().Where(member => IsPlain(member.Value) && member.Name != "stage"))
        {
            rows.Add($"""<tr><th scope="row">{Words(member.Name)}</th><td>{Value(member.Value)}</td></tr>""");
        }

        foreach (var member in element.EnumerateObject().Where(member => !IsPlain(member.Value)))
        {
            if (member.Value.ValueKind == JsonValueKind.Object)
            {
                AddGroup(rows, Join(group, Words(member.Name)), member.Value);
                continue;
            }

            var index = 0;
            foreach (var item in member.Value.EnumerateArray())
            {
                index++;
                var name = Join(group, $"{Words(member.Name)} {index}");
                if (item.ValueKind == JsonValueKind.Object)
                {
                    AddGroup(rows, name, item);
                }
                else
                {
                    rows.Add($"""<tr><th scope="row">{name}</th><td>{Value(item)}</td></tr>""");
                }
            }
        }
    }

    private static void AddGroup(Markup rows, string name, JsonElement element)
    {
        rows.Add($"""<tr class="group"><th colspan="2" scope="rowgroup">{name}</th></tr>""");
        AddRows(rows, name, element);
    }

    private static bool IsPlain(JsonElement value) => value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array);

    private static string Join(string group, string name) => group.Length == 0 ? name : $"{group} · {name}";

    private static string Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => Number(value.GetDouble()),
        JsonValueKind.True => "yes",
        JsonValueKind.False => "no",
        JsonValueKind.Null => "–",
        JsonValueKind.String when IsDigest(value.GetString()!) => Show.Digest(value.GetString()!),
        _ => value.ToString(),
    };

    private static string Number(double value) => Math.Abs(value) switch
    {
        0 => "0",
        < 1e-3 => value.ToString("0.###e-0", CultureInfo.InvariantCulture).Replace("-", "−", StringComparison.Ordinal),
        _ => value.ToString("#,0.######", CultureInfo.InvariantCulture),
    };

    private static bool IsDigest(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);

    /// <summary>A member's name as words: <c>globalBatchSize</c> becomes "global batch size". Names that are data, such as <c>web-crawl</c>, stay.</summary>
    private static string Words(string name)
    {
        var words = new StringBuilder();
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c))
            {
                words.Append(' ');
            }

            words.Append(char.ToLowerInvariant(c));
        }

        return words.ToString().TrimStart();
    }
}
