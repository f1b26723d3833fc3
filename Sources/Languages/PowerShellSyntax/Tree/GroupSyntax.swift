/// `( pipeline )`: one pipeline, pipeline chain or assignment as a value.
package final class ParenExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The content: `.pipeline`, `.pipelineChain` or `.assignment`.
    package let pipeline: StatementSyntax

    init(extent: SourceExtent, pipeline: StatementSyntax) {
        self.extent = extent
        self.pipeline = pipeline
    }
}

/// `$( statements )`.
package final class SubExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The statements.
    package let block: StatementBlockSyntax

    init(extent: SourceExtent, block: StatementBlockSyntax) {
        self.extent = extent
        self.block = block
    }
}

/// `@( statements )`, which is always an array.
package final class ArrayExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The statements.
    package let block: StatementBlockSyntax

    init(extent: SourceExtent, block: StatementBlockSyntax) {
        self.extent = extent
        self.block = block
    }
}
