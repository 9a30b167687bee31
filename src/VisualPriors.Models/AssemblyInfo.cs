using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("VisualPriors.Models.Tests")]
