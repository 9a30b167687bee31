using VisualPriors.Data.Text.Sources;

namespace VisualPriors.Data.Tests.Text.Sources;

public sealed class BrownCorpusTests
{
    [Theory]
    [InlineData("The/at jury/nn said/vbd ,/, however/wrb ,/, that/cs it/pps met/vbd ./.", "The jury said, however, that it met.")]
    [InlineData("``/`` No/at evidence/nn ''/'' ,/, he/pps said/vbd ./.", "\"No evidence,\" he said.")]
    [InlineData("He/pps said/vbd ,/, ``/`` Go/vb ''/'' ./.", "He said, \"Go.\"")]
    [InlineData("``/`` Could/md we/ppss ''/'' ?/. ?/.", "\"Could we?\"")]
    [InlineData("``/`` Go/vb ''/'' ;/. ;/.", "\"Go\";")]
    [InlineData("Why/wrb ?/. ?/. Oh/uh !/. !/. This/dt :/: that/dt ;/. ;/.", "Why? Oh! This: that;")]
    [InlineData("Honey/nn (/( Fig./nn 26/cd ,/, p./nn 7/cd )/) ./.", "Honey (Fig. 26, p. 7).")]
    [InlineData("type/nn 1/cd ,/, ,/, (/( (/( fig./nn 3/cd )/)", "type 1, (fig. 3)")]
    [InlineData("'/' Yes/rb '/' ,/, 1/2/cd cup/nn --/-- or/cc so/rb", "'Yes', 1/2 cup -- or so")]
    [InlineData("\tFirst/od one/cd\n\n\n\tnext/ap line/nn\nsame/ap paragraph/nn", "First one\n\nnext line same paragraph")]
    [InlineData("untagged /nn word/nn", "word")]
    public void Tagged_words_become_prose(string tagged, string prose)
    {
        Assert.Equal(prose, BrownCorpus.Detag(tagged));
    }
}
