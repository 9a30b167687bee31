namespace VisualPriors.Api.Schemas;

/// <summary>The longer expressions of <see cref="ValidationRuleAttribute"/>.</summary>
internal static class Expressions
{
    /// <summary>Every process has the same share of a global batch, in whole micro-batches.</summary>
    public const string ProcessesDivideBatch =
        $"self.training.globalBatchSize % ({Processes} * (has(self.training.microBatchSize) ? self.training.microBatchSize : 1)) == 0";

    /// <summary>What to say otherwise.</summary>
    public const string ProcessesDivideBatchMessage = "training.globalBatchSize must be a multiple of compute's number of processes times training.microBatchSize";

    /// <summary>Every micro-batch of a global batch is of the same size.</summary>
    public const string MicroBatchDividesBatch = "!has(self.microBatchSize) || self.globalBatchSize % self.microBatchSize == 0";

    /// <summary>What to say otherwise.</summary>
    public const string MicroBatchDividesBatchMessage = "microBatchSize must be a divisor of globalBatchSize";

    /// <summary>An evaluation is one process's work.</summary>
    public const string OneProcess = $"{Processes} == 1";

    /// <summary>CEL has no square root: looks for one among the first 64 numbers, as far as the field goes.</summary>
    public const string IsSquare =
        "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,"
        + "54,55,56,57,58,59,60,61,62,63,64].exists(side, side * side == self)";

    /// <summary>A weight of at most six decimals is the number nearest to a whole number of millionths.</summary>
    public const string SixDecimals = "self.all(source, double(int(self[source] * 1000000.0 + 0.5)) / 1000000.0 == self[source])";

    /// <summary>Warm-up is given in steps or as a share.</summary>
    public const string OneWarmup = "!(has(self.warmupSteps) && self.warmupSteps > 0 && has(self.warmupRatio) && self.warmupRatio > 0.0)";

    /// <summary>Rotary embeddings turn pairs of channels: a head's width is even.</summary>
    public const string HeadsDivideWidth = "self.hiddenSize % self.heads == 0 && (self.hiddenSize / self.heads) % 2 == 0";

    /// <summary>Query heads are shared out evenly among key and value heads.</summary>
    public const string KeyValueHeadsDivideHeads = "self.heads % self.keyValueHeads == 0";

    /// <summary>Labels by which the operator knows its pods stay its own.</summary>
    public const string LabelsAreNotOurs = "self.all(key, !key.startsWith('visualpriors.dev/'))";

    /// <summary>Variables that operator and trainer agree on, and those that ranks set for their libraries.</summary>
    public const string ReservedEnvironment =
        "AZURE_*, VISUALPRIORS_*, CUDA_VISIBLE_DEVICES, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT, NODE_RANK, RANK, WORLD_SIZE";

    /// <summary>None of <see cref="ReservedEnvironment"/>.</summary>
    public const string EnvironmentIsNotOurs =
        "self.all(name, !name.startsWith('AZURE_') && !name.startsWith('VISUALPRIORS_') && !(name in ['CUDA_VISIBLE_DEVICES', 'LOCAL_RANK', "
        + "'LOCAL_WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT', 'NODE_RANK', 'RANK', 'WORLD_SIZE']))";

    /// <summary>A stage is one run.</summary>
    public const string OneSpec = "[has(self.pretrain), has(self.align), has(self.sft), has(self.eval)].exists_one(given, given)";

    /// <summary>A stage's run goes with its pipeline.</summary>
    public const string NoTimeToLive =
        "!(has(self.pretrain) && has(self.pretrain.ttlSecondsAfterFinished)) && !(has(self.align) && has(self.align.ttlSecondsAfterFinished)) "
        + "&& !(has(self.sft) && has(self.sft.ttlSecondsAfterFinished)) && !(has(self.eval) && has(self.eval.ttlSecondsAfterFinished))";

    /// <summary>What a stage starts from is another stage, of the kind it says. (A longer cycle is the operator's to find: CEL does not recurse.)</summary>
    public const string UpstreamsAreStages =
        "self.stages.all(stage, "
        + "(!has(stage.align) || self.stages.exists(other, has(other.pretrain) && other.name == stage.align.from.name)) && "
        + "(!has(stage.sft) || self.stages.exists(other, other.name != stage.name && other.name == stage.sft.from.name && "
        + "(stage.sft.from.kind == 'AlignRun' ? has(other.align) : has(other.sft)))) && "
        + "(!has(stage.eval) || self.stages.exists(other, has(other.sft) && other.name == stage.eval.from.name)))";

    /// <summary>A stage's run is called after the pipeline and the stage, see <see cref="Resources.ObjectMeta.LongestRunName"/>.</summary>
    public const string RunNamesFit = "self.spec.stages.all(stage, size(self.metadata.name) + 1 + size(stage.name) <= 52)";

    /// <summary>What to say otherwise.</summary>
    public const string RunNamesFitMessage = "name of a stage, with the pipeline's name and '-' before it, must have at most 52 characters";

    private const string Processes =
        "(self.compute.nodes * (self.compute.gpusPerNode > 0 ? self.compute.gpusPerNode : self.compute.processesPerNode))";
}
