using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using k8s.Models;
using VisualPriors.Api.Schemas;
using VisualPriors.KubernetesTesting;

namespace VisualPriors.Api.Tests.Schemas;

/// <summary>A real API server takes the definitions and does what they say. (It is older than CEL: <see cref="CelRulesTests"/> has those.)</summary>
public sealed class ApiServerTests(ApiServerTests.ServerWithDefinitions server) : IClassFixture<ApiServerTests.ServerWithDefinitions>
{
    [Fact]
    public async Task Good_resources_are_taken_with_the_readers_defaults()
    {
        foreach (var kind in Examples.All.Keys)
        {
            var stored = await CreateAsync(kind, Examples.Of(kind));

            var expected = SchemaTree.Default(kind, Examples.Of(kind));
            Assert.True(JsonNode.DeepEquals(expected["spec"], stored["spec"]), $"{kind}: {stored["spec"]} instead of {expected["spec"]}");
        }
    }

    [Fact]
    public async Task Values_just_outside_their_bounds_are_refused_naming_the_field()
    {
        foreach (var row in (IEnumerable<object?[]>)FieldRulesTests.JustOutside)
        {
            var (kind, path, value) = ((string)row[0]!, (string)row[1]!, (string)row[2]!);

            var refusal = await Assert.ThrowsAsync<HttpOperationException>(() => CreateAsync(kind, Examples.With(kind, path, value)));

            Assert.Equal(HttpStatusCode.UnprocessableEntity, refusal.Response.StatusCode);
            var field = path.Split('.', '[')[^(path.EndsWith(']') ? 2 : 1)].Trim('\'').Split('/')[^1];
            Assert.Contains(field, refusal.Response.Content, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("AlignRun", "metadata.name", "\"a-name-of-more-than-fifty-two-characters-is-too-long-a-name\"")]
    [InlineData("EvalRun", "metadata.name", "\"a.b\"")]
    [InlineData("SftRun", "spec.from.kind", "\"PretrainRun\"")]
    [InlineData("SftRun", "spec.instructions", null)]
    [InlineData("Pipeline", "spec.stages[3].name", "\"tune\"")]
    public async Task What_names_and_references_may_be_is_checked_too(string kind, string path, string? value)
    {
        var refusal = await Assert.ThrowsAsync<HttpOperationException>(() => CreateAsync(kind, Examples.With(kind, path, value)));

        Assert.Contains(path.Split('[')[0], refusal.Response.Content, StringComparison.Ordinal);
    }

    private async Task<JsonObject> CreateAsync(string kind, JsonObject resource)
    {
        resource["apiVersion"] = $"{CustomResource.Group}/{CustomResource.Version}";
        resource["kind"] = kind;
        var created = await server.Client.CustomObjects.CreateNamespacedCustomObjectAsync<JsonElement>(
            resource, CustomResource.Group, CustomResource.Version, "default", CustomResource.All.Single(one => one.Kind == kind).Plural, dryRun: "All");
        return JsonObject.Create(created)!;
    }

    /// <summary>One server for all tests of the class: they only ask it what it would do.</summary>
    public sealed class ServerWithDefinitions : IAsyncLifetime
    {
        private TestApiServer _server = null!;

        internal Kubernetes Client => _server.Client;

        public async Task InitializeAsync()
        {
            _server = await TestApiServer.StartAsync();
            foreach (var resource in CustomResource.All)
            {
                var definition = KubernetesJson.Deserialize<V1CustomResourceDefinition>(CustomResourceDefinitions.Definition(resource, withRules: false).ToJsonString());
                await Client.ApiextensionsV1.CreateCustomResourceDefinitionAsync(definition);
            }

            foreach (var resource in CustomResource.All)
            {
                await WaitUntilServedAsync(resource);
            }
        }

        public async Task DisposeAsync() => await _server.DisposeAsync();

        /// <summary>A definition is served a moment after it is accepted.</summary>
        private async Task WaitUntilServedAsync(CustomResource resource)
        {
            for (var tries = 0; ; tries++)
            {
                try
                {
                    await Client.CustomObjects.ListNamespacedCustomObjectAsync<JsonElement>(CustomResource.Group, CustomResource.Version, "default", resource.Plural);
                    return;
                }
                catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound && tries < 300)
                {
                    await Task.Delay(100);
                }
            }
        }
    }
}
