/// An error that prevents a text from being parsed.
public struct ParseError: Error, Sendable, Hashable {
    /// The engine's own id for the error (`UnexpectedToken`, `MissingEndCurlyBrace`, …).
    public let id: String
    /// The error's extent in the source.
    public let extent: SourceExtent
    /// Whether an interactive shell would wait for more text instead of rejecting it.
    public let isIncomplete: Bool

    /// Creates an error.
    public init(id: String, extent: SourceExtent, isIncomplete: Bool = false) {
        self.id = id
        self.extent = extent
        self.isIncomplete = isIncomplete
    }
}
