using System.Collections.Concurrent;
using VisualPriors.Api.Errors;

namespace VisualPriors.Data.Images;

/// <summary>Finds images that cannot be used before anything is computed with them.</summary>
internal static class ImageValidation
{
    /// <summary>Errors after which nobody reads on.</summary>
    private const int MaximumErrors = 10;

    /// <summary>Decodes a data set's images on all cores.</summary>
    /// <param name="count">Samples.</param>
    /// <param name="pathOf">Path of a sample's image, or null.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="InvalidInputException">Some are missing or do not decode: the first ten found, by sample.</exception>
    public static void DecodeAll(int count, Func<int, string?> pathOf, CancellationToken cancellationToken)
    {
        var errors = new ConcurrentBag<(int Index, InputError Error)>();
        var options = new ParallelOptions { CancellationToken = cancellationToken };
        Parallel.For(0, count, options, (i, state) =>
        {
            if (pathOf(i) is not { } path)
            {
                return;
            }

            try
            {
                ImageDecoder.DecodeBitmap(path).Dispose();
            }
            catch (InvalidInputException e)
            {
                errors.Add((i, e.Errors[0]));
                if (errors.Count >= MaximumErrors)
                {
                    state.Stop();
                }
            }
        });
        if (!errors.IsEmpty)
        {
            throw new InvalidInputException([.. errors.OrderBy(e => e.Index).Take(MaximumErrors).Select(e => e.Error)]);
        }
    }
}
