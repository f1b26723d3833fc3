/// A text of the accepted grammar: simple commands, joined by pipes, `&&`, `||`, `;` and line ends.
public struct ShellScript: Sendable, Hashable {
    /// What stands between a command and the next one.
    public enum Joint: String, Sendable, Hashable {
        /// The output of one is the input of the next.
        case pipe = "|"
        /// The next one runs when this one did well.
        case and = "&&"
        /// The next one runs when this one failed.
        case or = "||"
        /// The next one runs in any case.
        case sequence = ";"
    }

    /// One program or builtin with its words.
    public struct Command: Sendable, Hashable {
        /// The name and the arguments; never empty.
        public var words: [ShellWord]
        /// Its redirections, in order.
        public var redirections: [ShellRedirection]
        /// What follows; nil for the last one.
        public var joint: Joint?

        /// The name, which is always literal.
        public var name: String { words.first?.value ?? "" }
        /// What follows the name.
        public var arguments: ArraySlice<ShellWord> { words.dropFirst() }
    }

    /// The commands, in the order they are written.
    public var commands: [Command]

    /// Reads a text of the accepted grammar, in time proportional to its length.
    ///
    /// The grammar is small on purpose: what it accepts means the same in every POSIX shell, and nothing of it depends on
    /// variables, functions or the output of other commands. Everything else is refused, whether or not a shell would
    /// take it.
    /// - Throws: what stands in the way, and where.
    public static func parse(_ text: String) throws(ShellRefusal) -> ShellScript {
        var parser = ShellParser(Array(text.utf8))
        return try parser.parse()
    }
}
