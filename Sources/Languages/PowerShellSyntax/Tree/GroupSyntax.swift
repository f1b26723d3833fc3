/// `( pipeline )`: one pipeline, pipeline chain or assignment as a value.
public final class ParenExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The content: `.pipeline`, `.pipelineChain` or `.assignment`.
    public let pipeline: StatementSyntax

    init(extent: SourceExtent, pipeline: StatementSyntax) {
        self.extent = extent
        self.pipeline = pipeline
    }
}

/// `$( statements )`.
public final class SubExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The statements.
    public let block: StatementBlockSyntax

    init(extent: SourceExtent, block: StatementBlockSyntax) {
        self.extent = extent
        self.block = block
    }
}

/// `@( statements )`, which is always an array.
public final class ArrayExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The statements.
    public let block: StatementBlockSyntax

    init(extent: SourceExtent, block: StatementBlockSyntax) {
        self.extent = extent
        self.block = block
    }
}
