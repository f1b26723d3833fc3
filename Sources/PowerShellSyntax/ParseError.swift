/// Why a text does not parse.
public struct ParseError: Error, Sendable, Hashable {
    /// The engine's own error id for the same fault (`UnexpectedToken`, `MissingEndCurlyBrace`, …).
    public let id: String
    /// Where the fault was found.
    public let extent: SourceExtent
    /// An interactive reader would wait for more text instead of refusing.
    public let isIncomplete: Bool

    /// An error with the given id and place.
    public init(id: String, extent: SourceExtent, isIncomplete: Bool = false) {
        self.id = id
        self.extent = extent
        self.isIncomplete = isIncomplete
    }
}
