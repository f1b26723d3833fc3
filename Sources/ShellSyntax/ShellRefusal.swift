/// Why a text is outside the accepted grammar.
public struct ShellRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was found, as in “a variable or substitution ($)”.
    public var construct: String
    /// Where, in bytes from the start of the text.
    public var offset: Int
    /// Where, as a person counts lines.
    public var line: Int

    /// What and where.
    public var description: String { "\(construct) in line \(line)" }
}
