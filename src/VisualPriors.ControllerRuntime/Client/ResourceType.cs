using System.Reflection;
using System.Text;
using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime;

/// <summary>Where the API server keeps a kind, from the client's attribute on its type.</summary>
internal sealed record ResourceType(string Group, string Version, string Kind, string Plural)
{
    /// <summary>As objects name it: <c>v1</c>, <c>apps/v1</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public static ResourceType Of<TEntity>()
        where TEntity : class, IKubernetesObject<V1ObjectMeta>
    {
        var attribute = typeof(TEntity).GetCustomAttribute<KubernetesEntityAttribute>()
            ?? throw new ArgumentException($"{typeof(TEntity)} has no [KubernetesEntity] attribute.");
        return new(attribute.Group ?? "", attribute.ApiVersion, attribute.Kind, attribute.PluralName);
    }

    /// <summary>Path below the server's address, without a query.</summary>
    public string Path(string? @namespace, string? name = null, string? subresource = null)
    {
        var path = new StringBuilder(Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}");
        if (!string.IsNullOrEmpty(@namespace))
        {
            path.Append("/namespaces/").Append(Uri.EscapeDataString(@namespace));
        }
        path.Append('/').Append(Plural);
        if (name is not null)
        {
            path.Append('/').Append(Uri.EscapeDataString(name));
        }
        if (subresource is not null)
        {
            path.Append('/').Append(subresource);
        }
        return path.ToString();
    }
}
