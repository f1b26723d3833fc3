/// An error that prevents a text from being parsed.
package struct ParseError: Error, Sendable, Hashable {
    /// The engine's own id for the error (`UnexpectedToken`, `MissingEndCurlyBrace`, …).
    package let id: String
    /// The error's extent in the source.
    package let extent: SourceExtent
    /// Whether an interactive shell would wait for more text instead of rejecting it.
    package let isIncomplete: Bool

    /// Creates an error.
    package init(id: String, extent: SourceExtent, isIncomplete: Bool = false) {
        self.id = id
        self.extent = extent
        self.isIncomplete = isIncomplete
    }
}
