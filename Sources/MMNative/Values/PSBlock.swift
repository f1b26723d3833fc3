package import PowerShellSyntax

/// A script block with the text that it stands in: it may run after its script has ended, inside another one.
package struct PSBlock: Sendable {
    /// The block.
    package let syntax: ScriptBlockExpressionSyntax
    /// The UTF-16 units of its whole script; the block's extents count in them.
    package let source: [UInt16]

    /// A block of a script.
    package init(_ syntax: ScriptBlockExpressionSyntax, in source: [UInt16]) {
        self.syntax = syntax
        self.source = source
    }

    /// What stands between its braces.
    var text: String {
        String(decoding: source[(syntax.extent.start + 1)..<(syntax.extent.end - 1)], as: UTF16.self)
    }
}
