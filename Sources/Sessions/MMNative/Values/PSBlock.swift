package import PowerShellSyntax

/// A script block with the text of its script, because it may run after that script has ended, inside another one.
package struct PSBlock: Sendable {
    /// The block.
    package let syntax: ScriptBlockExpressionSyntax
    /// The UTF-16 units of the whole script, to which the block's extents refer.
    package let source: [UInt16]
    /// The variables that the block keeps, by lower-case name; `nil` if it sees its caller's.
    var kept: [String: PSValue]?

    /// Creates a block of a script.
    package init(_ syntax: ScriptBlockExpressionSyntax, in source: [UInt16]) {
        self.syntax = syntax
        self.source = source
    }

    /// The text between the block's braces.
    package var text: String {
        String(decoding: source[(syntax.extent.start + 1)..<(syntax.extent.end - 1)], as: UTF16.self)
    }
}
