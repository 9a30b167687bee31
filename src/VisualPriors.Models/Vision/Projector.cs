using System.Text.Json.Nodes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace VisualPriors.Models;

/// <summary>
/// Carries vision features into a decoder's embedding space: bilinear resizing to the grid of visual tokens, then Linear-GELU-Linear
/// (paper.md 3: "MLP", INFERRED as mlp2x_gelu). Shapes in comments: B images, P patches, Dv vision width, D decoder width.
/// </summary>
public sealed class Projector : nn.Module
{
    private const double InitialDeviation = 0.02;
    private readonly Parameter _upWeight; // [D, Dv]
    private readonly Parameter _upBias; // [D]
    private readonly Parameter _downWeight; // [D, D]
    private readonly Parameter _downBias; // [D]

    /// <summary>Makes a projector on the CPU in fp32, weights not set yet: call <see cref="Initialise"/> or <see cref="Load(string)"/> one.</summary>
    public Projector(int visionWidth, int decoderWidth, int visualTokens)
        : this(visionWidth, decoderWidth, visualTokens, CPU, ScalarType.Float32)
    {
    }

    /// <summary>Makes a projector, weights not set yet.</summary>
    /// <exception cref="ArgumentException">The visual tokens do not form a square grid.</exception>
    public Projector(int visionWidth, int decoderWidth, int visualTokens, Device device, ScalarType dtype)
        : base(nameof(Projector))
    {
        if (Side(visualTokens) is null)
        {
            throw new ArgumentException($"{visualTokens} visual tokens do not form a square grid.", nameof(visualTokens));
        }

        (VisionWidth, DecoderWidth, VisualTokens) = (visionWidth, decoderWidth, visualTokens);
        _upWeight = new Parameter(empty(decoderWidth, visionWidth, dtype, device));
        _upBias = new Parameter(zeros(decoderWidth, dtype, device));
        _downWeight = new Parameter(empty(decoderWidth, decoderWidth, dtype, device));
        _downBias = new Parameter(zeros(decoderWidth, dtype, device));
        register_parameter("up_weight", _upWeight);
        register_parameter("up_bias", _upBias);
        register_parameter("down_weight", _downWeight);
        register_parameter("down_bias", _downBias);
    }

    /// <summary>Width of the vision features.</summary>
    public int VisionWidth { get; }

    /// <summary>Width of the decoder's embeddings.</summary>
    public int DecoderWidth { get; }

    /// <summary>Embeddings made of one image: a square number.</summary>
    public int VisualTokens { get; }

    /// <summary>Loads a projector in fp32 on the CPU.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">A file is missing or malformed, or the weights do not fit the configuration.</exception>
    public static Projector Load(string directory) => Load(directory, CPU, ScalarType.Float32);

    /// <summary>Loads a projector.</summary>
    /// <exception cref="Api.Errors.InvalidInputException">A file is missing or malformed, or the weights do not fit the configuration.</exception>
    public static Projector Load(string directory, Device device, ScalarType dtype)
    {
        var file = ModelConfigFile.Read(directory);
        file.Expect("model_type", "projector");
        var (visionWidth, decoderWidth, visualTokens) =
            (file.Positive("vision_width"), file.Positive("decoder_width"), file.Positive("visual_tokens"));
        if (Side(visualTokens) is null)
        {
            throw file.Wrong("visual_tokens", "a square number");
        }

        return WeightMap.Load(
            directory, Maps(visionWidth, decoderWidth), () => new Projector(visionWidth, decoderWidth, visualTokens, device, dtype));
    }

    /// <summary>Saves the projector as it is, in fp32, to an existing folder.</summary>
    public void Save(string directory) => Save(named_parameters().Select(p => (p.name, (Tensor)p.parameter)), directory);

    /// <summary>Saves the projector with weights that are elsewhere (an optimizer's masters), in fp32, to an existing folder.</summary>
    public void Save(IEnumerable<(string Name, Tensor Value)> parameters, string directory)
    {
        WeightMap.Save(directory, Maps(VisionWidth, DecoderWidth), parameters);
        ModelConfigFile.Write(directory, new JsonObject
        {
            ["model_type"] = "projector",
            ["vision_width"] = VisionWidth,
            ["decoder_width"] = DecoderWidth,
            ["visual_tokens"] = VisualTokens,
        });
    }

    /// <summary>Sets matrices to normal random numbers of deviation 0.02 and biases to zero. The same seed gives the same weights.</summary>
    public void Initialise(long seed) => Initialisation.Normal(this, seed, InitialDeviation);

    /// <summary>Makes embeddings of features.</summary>
    /// <param name="features">[B, P, Dv], P a square number, row by row.</param>
    /// <returns>[B, visual tokens, D], row by row.</returns>
    public Tensor Forward(Tensor features)
    {
        var resized = Resize(features.to(_upWeight.dtype), VisualTokens);
        var inner = nn.functional.gelu(nn.functional.linear(resized, _upWeight, _upBias));
        return nn.functional.linear(inner, _downWeight, _downBias);
    }

    /// <summary>Bilinear resizing of a square grid of features: [B, P, Dv] to [B, tokens, Dv]. Corners are not aligned, no antialiasing.</summary>
    private static Tensor Resize(Tensor features, int tokens)
    {
        if (features.size(1) == tokens)
        {
            return features;
        }

        long patchSide = Side((int)features.size(1)) ?? throw new ArgumentException("The patches do not form a square grid.", nameof(features));
        long side = Side(tokens)!.Value;
        var grid = features.transpose(1, 2).reshape(features.size(0), features.size(2), patchSide, patchSide); // [B, Dv, rows, columns]
        return nn.functional.interpolate(grid, [side, side], mode: InterpolationMode.Bilinear, align_corners: false)
            .flatten(2)
            .transpose(1, 2);
    }

    private static int? Side(int count) => (int)Math.Round(Math.Sqrt(count)) is var side && side * side == count ? side : null;

    private static WeightMap[] Maps(int visionWidth, int decoderWidth) =>
    [
        new("up_weight", "linear_1.weight", decoderWidth, visionWidth),
        new("up_bias", "linear_1.bias", decoderWidth),
        new("down_weight", "linear_2.weight", decoderWidth, decoderWidth),
        new("down_bias", "linear_2.bias", decoderWidth),
    ];
}
