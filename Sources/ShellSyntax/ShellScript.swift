/// What stands in a shell text: its simple commands, also those within loops, functions, substitutions and here-documents,
/// with their words, assignments and redirections.
///
/// ```swift
/// let script = try ShellScript.parse("cd /srv && tar c . | gzip > all.tar.gz")
/// script.commands.map(\.name)  // ["cd", "tar", "gzip"]
/// ```
///
/// What can't be taken apart is refused as a whole, never guessed at. No shell is started and nothing is looked up.
public struct ShellScript: Sendable, Hashable {
    /// How much of the language is accepted.
    public enum Grammar: Sendable, Hashable {
        /// Simple commands, joined by pipes, `&&`, `||`, `;` and line ends.
        ///
        /// It is small on purpose: what it accepts means the same in every POSIX shell, and nothing of it depends on
        /// variables, functions or the output of other commands. Everything else is refused, whether or not a shell would
        /// take it.
        case plain
        /// All that bash and POSIX shells know: which commands stand in a text can be told, though not what they do.
        case whole
    }

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
        /// The name and the arguments; empty where only variables are set or files are opened.
        public var words: [Word] = []
        /// The variables that are set, `NAME=value`.
        public var assignments: [Word] = []
        /// Its redirections, in order.
        public var redirections: [Redirection] = []
        /// What a here-document or here-string feeds it.
        public var document: String?
        /// Whether another command's output is fed to it.
        public var isFed = false
        /// What follows; `nil` for the last one.
        public var joint: Joint?
        /// Where it begins, in bytes from the start of the text.
        public var offset = 0

        /// A command without words.
        public init() {}

        /// The name as it is written, with its folder.
        public var name: String { words.first?.value ?? "" }
        /// What follows the name.
        public var arguments: ArraySlice<Word> { words.dropFirst() }

        var isEmpty: Bool { words.isEmpty && assignments.isEmpty && redirections.isEmpty }
    }

    /// A word of a command after its quotes were taken off.
    public struct Word: Sendable, Hashable {
        /// The text that the program or the shell sees; expansions stand in it as they are written.
        public var value: String
        /// Whether no variable, substitution or quoting code changes it.
        public var isFixed: Bool
        /// Whether it holds no pattern that the shell looks up among files, and no home folder.
        public var hasNoPattern: Bool
        /// How many bytes of the value stand before its first quote; `nil` without one.
        public var bytesBeforeQuote: Int?
        /// Where it begins, in bytes from the start of the text.
        public var offset: Int

        /// A word.
        public init(_ value: String, isFixed: Bool = true, hasNoPattern: Bool = true, offset: Int = 0) {
            self.value = value
            self.isFixed = isFixed
            self.hasNoPattern = hasNoPattern
            self.offset = offset
        }

        /// Whether the shell takes the text as it is.
        public var isLiteral: Bool { isFixed && hasNoPattern }

        var isQuoted: Bool { bytesBeforeQuote != nil }
        /// Whether it is a number as a shell writes descriptors.
        var isNumber: Bool { !isQuoted && !value.isEmpty && value.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }

    /// The commands, in the order they end.
    public internal(set) var commands: [Command] = []
    /// The names of the functions that are defined.
    public internal(set) var functions: [String] = []

    /// Reads a text, in time proportional to its length.
    /// - Parameters:
    ///   - text: at most a mebibyte.
    ///   - grammar: how much of the language is accepted.
    /// - Throws: what stands in the way, and where.
    public static func parse(_ text: String, as grammar: Grammar = .plain) throws(ShellRefusal) -> ShellScript {
        var parser = ShellParser(Array(text.utf8), grammar)
        return try parser.parse()
    }
}
