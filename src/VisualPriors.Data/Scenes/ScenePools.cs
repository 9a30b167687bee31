using VisualPriors.Data.Drawings;
using VisualPriors.Data.Images;

namespace VisualPriors.Data.Scenes;

/// <summary>Which things can fill which bucket, as each house draws them.</summary>
public sealed class ScenePools
{
    private readonly int[][] _pools;

    /// <summary>Measures every drawing of some houses.</summary>
    public ScenePools(DrawingCatalogue catalogue, IReadOnlyList<House> houses)
    {
        Catalogue = catalogue;
        Houses = houses;
        var things = catalogue.Things.Count;
        var fits = new bool[houses.Count * things * SizeBuckets.All.Count];
        void Measure(int n)
        {
            foreach (var bucket in SizeBuckets.All)
            {
                fits[(n * SizeBuckets.All.Count) + (int)bucket] = SceneComposer.CanFill(catalogue[houses[n / things], n % things], bucket);
            }
        }

        Parallelism.For(houses.Count * things, Measure, CancellationToken.None);
        _pools =
        [
            .. from house in Enumerable.Range(0, houses.Count)
               from bucket in SizeBuckets.All
               select Enumerable.Range(0, things).Where(t => fits[(((house * things) + t) * SizeBuckets.All.Count) + (int)bucket]).ToArray(),
        ];
        for (var i = 0; i < _pools.Length; i++)
        {
            if (_pools[i].Length == 0)
            {
                throw new ArgumentException(
                    $"No drawing by {houses[i / SizeBuckets.All.Count]} can fill a scene's {SizeBuckets.All[i % SizeBuckets.All.Count]} bucket.",
                    nameof(catalogue));
            }
        }
    }

    /// <summary>The things and drawings.</summary>
    public DrawingCatalogue Catalogue { get; }

    /// <summary>The houses that were measured.</summary>
    public IReadOnlyList<House> Houses { get; }

    /// <summary>The things, by index, that a house's drawings can fill a bucket with; in the catalogue's order.</summary>
    public IReadOnlyList<int> this[House house, SizeBucket bucket] =>
        _pools[(IndexOf(house) * SizeBuckets.All.Count) + (int)bucket];

    private int IndexOf(House house)
    {
        for (var i = 0; i < Houses.Count; i++)
        {
            if (Houses[i] == house)
            {
                return i;
            }
        }

        throw new ArgumentException($"{house} was not measured.", nameof(house));
    }
}
