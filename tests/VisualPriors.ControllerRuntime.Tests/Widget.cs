using k8s;
using k8s.Models;

namespace VisualPriors.ControllerRuntime.Tests;

/// <summary>A custom resource with a status. Its server-side schema is laxer than this type, so that objects can exist that do not fit it.</summary>
[KubernetesEntity(Group = "test.visualpriors.dev", ApiVersion = "v1", Kind = "Widget", PluralName = "widgets")]
internal sealed class Widget : IKubernetesObject<V1ObjectMeta>
{
    public const string Definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata:
          name: widgets.test.visualpriors.dev
        spec:
          group: test.visualpriors.dev
          scope: Namespaced
          names: {kind: Widget, plural: widgets, singular: widget}
          versions:
            - name: v1
              served: true
              storage: true
              subresources: {status: {}}
              schema:
                openAPIV3Schema:
                  type: object
                  properties:
                    spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
                    status: {type: object, x-kubernetes-preserve-unknown-fields: true}
        """;

    public string ApiVersion { get; set; } = "test.visualpriors.dev/v1";

    public string Kind { get; set; } = "Widget";

    public V1ObjectMeta Metadata { get; set; } = new();

    public WidgetSpec Spec { get; set; } = new();

    public WidgetStatus? Status { get; set; }

    public static Widget Named(string @namespace, string name, int size = 1) => new()
    {
        Metadata = new V1ObjectMeta { NamespaceProperty = @namespace, Name = name },
        Spec = new WidgetSpec { Size = size },
    };
}

internal sealed record WidgetSpec
{
    public int Size { get; init; }

    public string? Colour { get; init; }
}

internal sealed record WidgetStatus
{
    public string? Phase { get; init; }

    public int? Made { get; init; }
}
