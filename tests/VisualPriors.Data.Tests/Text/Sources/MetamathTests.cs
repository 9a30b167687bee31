using System.Text;
using VisualPriors.Api.Errors;
using VisualPriors.Data.Text.Sources;

namespace VisualPriors.Data.Tests.Text.Sources;

public sealed class MetamathTests
{
    private const string Database =
        """
        $( A header with a $p in it. $)
        $c |- wff -> $.  $v ph ps $.
        wph $f wff ph $.
        $( Syntax of implication. $)
        wi $a wff ( ph -> ps ) $.
        ${
          mp.1 $e |- ph $.
          mp.2 $e |- ( ph -> ps ) $.
          $( Rule of ~ df-x "modus
             ponens" for G&ouml;del.  (Contributed by NM, 5-Aug-1993.)  (Proof shortened
             by (A. B.), 1-Jan-2000.)  (New usage is discouraged.) $)
          ax-mp $a |- ps $.
        $}
        df-x $a |- ( ph -> ph ) $.
        ${
          $d x y $.
          outer $e |- ph $.
          ${
            inner $e |- ps $.
            $( Deep. $)
            deep $p |- ( ps -> ph ) $= ( wi ax-mp ) ABCD $.
          $}
          shallow $p |- ph $= ? $.
        $}
        """;

    [Fact]
    public void Statements_come_with_their_explanations_and_hypotheses_but_without_proofs()
    {
        Assert.Equal(
            """
            Axiom ax-mp. Rule of df-x "modus ponens" for Gödel.
            Given ph
            Given ( ph -> ps )
            |- ps

            Definition df-x.
            |- ( ph -> ph )

            Theorem deep. Deep.
            Given ph
            Given ps
            |- ( ps -> ph )

            Theorem shallow.
            Given ph
            |- ph
            """,
            Metamath.Documents("set.mm", Encoding.ASCII.GetBytes(Database)).Single().Trim());
    }

    [Fact]
    public void Documents_end_at_a_page()
    {
        var statements = string.Concat(Enumerable.Range(0, 100).Select(i => $"th{i} $p |- ( ph -> ( ps -> ph ) ) $= ? $.\n"));
        var documents = Metamath.Documents("set.mm", Encoding.ASCII.GetBytes(statements)).ToList();

        Assert.Equal(100, documents.Sum(document => document.Split("Theorem").Length - 1));
        Assert.All(documents.SkipLast(1), document => Assert.InRange(document.Length, 2000, 2100));
    }

    [Theory]
    [InlineData("$( never closed")]
    [InlineData("th $p |- ph $= ( abc")]
    [InlineData("th $p |- ph")]
    [InlineData("$c a b")]
    public void A_file_that_is_cut_off_is_refused(string database)
    {
        Assert.Throws<InvalidInputException>(() => Metamath.Documents("set.mm", Encoding.ASCII.GetBytes(database)).ToList());
    }

    [Fact]
    public void Scopes_that_were_never_opened_close_nothing()
    {
        Assert.Empty(Metamath.Documents("set.mm", "$} $} $}"u8.ToArray()));
    }
}
