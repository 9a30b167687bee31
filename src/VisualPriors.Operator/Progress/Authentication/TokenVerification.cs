using System.Text.Json.Serialization;

namespace VisualPriors.Operator.Progress.Authentication;

/// <summary>How tokens of progress reports are checked. Chosen, never fallen back on: a right that is missing is to be noticed.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TokenVerification>))]
internal enum TokenVerification
{
    /// <summary>The API server is asked about each token; wants a ClusterRole.</summary>
    TokenReview,

    /// <summary>By the keys that the API server publishes; wants no role.</summary>
    PublishedKeys,
}
