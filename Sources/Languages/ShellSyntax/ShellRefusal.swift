/// The reason why a text is outside the accepted grammar.
public struct ShellRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The refused construct, such as “a variable or substitution ($)”.
    public var construct: String
    /// The position of the construct, in bytes from the start of the text.
    public var offset: Int
    /// The line of the construct, counted from 1.
    public var line: Int

    /// Whether the text ends in the middle of a quote: no shell would run it.
    public var isUnfinishedQuote = false

    /// The construct and its line.
    public var description: String { "\(construct) in line \(line)" }
}
