using k8s.Models;
using Microsoft.AspNetCore.Http;
using VisualPriors.Api.Errors;
using VisualPriors.Api.Plans;
using VisualPriors.ControllerRuntime;
using VisualPriors.Operator.Metrics;
using VisualPriors.Operator.Progress.Authentication;
using VisualPriors.Operator.Runs;

namespace VisualPriors.Operator.Progress;

/// <summary>Takes progress reports: who is asking, for which run, how often.</summary>
internal sealed class ProgressEndpoint(TokenAuthenticator authenticator, ResourceCache<V1Pod> pods, RunCatalog runs, ProgressWriter writer, int retryAfterSeconds)
{
    private const string Bearer = "Bearer ";

    /// <summary>Handles a POST: 202 taken, 400 not a report, 401 no valid token, 403 not this pod's to report, 413 too long, 429 too often, 503 nobody could tell.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var status = await AcceptAsync(context).ConfigureAwait(false);
        OperatorMetrics.OnReport(status);
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = $"{retryAfterSeconds}";
        }

        context.Response.StatusCode = status;
    }

    private async Task<int> AcceptAsync(HttpContext context)
    {
        var cancellationToken = context.RequestAborted;
        var authorization = context.Request.Headers.Authorization.ToString();
        if (!authorization.StartsWith(Bearer, StringComparison.Ordinal))
        {
            return StatusCodes.Status401Unauthorized;
        }

        PodIdentity? identity;
        try
        {
            identity = await authenticator.AuthenticateAsync(authorization[Bearer.Length..], cancellationToken).ConfigureAwait(false);
        }
        catch (VerifierUnavailableException)
        {
            return StatusCodes.Status503ServiceUnavailable;
        }

        if (identity is null)
        {
            return StatusCodes.Status401Unauthorized;
        }

        if (ReportAdmission.Admit(identity, pods.Get(identity.Namespace, identity.Name), runs.Get) is not var (run, attempt))
        {
            return StatusCodes.Status403Forbidden;
        }

        // Read only now: nobody unknown makes us read anything.
        if (context.Request.ContentLength is not { } length || length is <= 0 or > PlanJson.MaximumMessageLength)
        {
            return StatusCodes.Status413PayloadTooLarge;
        }

        var body = new byte[length];
        await context.Request.Body.ReadExactlyAsync(body, cancellationToken).ConfigureAwait(false);
        try
        {
            return writer.Offer(run, attempt, PlanJson.ReadReport(body)) ? StatusCodes.Status202Accepted : StatusCodes.Status429TooManyRequests;
        }
        catch (InvalidInputException)
        {
            return StatusCodes.Status400BadRequest;
        }
    }
}
