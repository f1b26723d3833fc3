/// The reason why a text is outside the accepted grammar.
package struct ShellRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The refused construct, such as “a variable or substitution ($)”.
    package var construct: String
    /// The position of the construct, in bytes from the start of the text.
    package var offset: Int
    /// The line of the construct, counted from 1.
    package var line: Int

    /// Whether the text ends in the middle of a quote: no shell would run it.
    package var isUnfinishedQuote = false

    /// The construct and its line.
    package var description: String { "\(construct) in line \(line)" }
}
