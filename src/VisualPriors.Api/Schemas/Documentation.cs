using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace VisualPriors.Api.Schemas;

/// <summary>Docstrings, from the file that the compiler leaves beside the assembly, as plain text.</summary>
internal static partial class Documentation
{
    private static readonly ConcurrentDictionary<Assembly, Dictionary<string, XElement>> Files = new();

    /// <summary>A type's summary.</summary>
    public static string Of(Type type) => Text($"T:{NameOf(type)}", type.Assembly);

    /// <summary>A property's or enum member's summary.</summary>
    public static string Of(MemberInfo member) =>
        Text($"{(member is PropertyInfo ? 'P' : 'F')}:{NameOf(member.DeclaringType!)}.{member.Name}", member.DeclaringType!.Assembly);

    private static string Text(string id, Assembly assembly) =>
        Files.GetOrAdd(assembly, Load).TryGetValue(id, out var member) && member.Element("summary") is { } summary
            ? Spaces().Replace(string.Concat(summary.Nodes().Select(Text)), " ").Trim()
            : throw new InvalidOperationException($"{id} has no summary");

    private static string Text(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" or "seealso" } reference => Name((string?)reference.Attribute("cref") ?? (string)reference.Attribute("langword")!),
        XElement { Name.LocalName: "paramref" or "typeparamref" } reference => (string)reference.Attribute("name")!,
        XElement element => string.Concat(element.Nodes().Select(Text)),
        _ => "",
    };

    /// <summary>What a manifest calls a member: properties are fields there.</summary>
    private static string Name(string id)
    {
        var name = id[(id.LastIndexOf('.') + 1)..];
        return id.StartsWith("P:", StringComparison.Ordinal) ? JsonNamingPolicy.CamelCase.ConvertName(name) : name;
    }

    private static string NameOf(Type type) => type.FullName!.Replace('+', '.');

    private static Dictionary<string, XElement> Load(Assembly assembly)
    {
        var path = Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml");
        return XDocument.Load(path).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!, StringComparer.Ordinal);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
