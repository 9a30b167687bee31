using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("VisualPriors.Storage.Tests")]
[assembly: InternalsVisibleTo("VisualPriors.Benchmarks")]
