/// The contents of a shell text: its simple commands, including those within loops, functions, substitutions and
/// here-documents, with their words, assignments and redirections.
///
/// ```swift
/// let script = try ShellScript.parse("cd /srv && tar c . | gzip > all.tar.gz")
/// script.commands.map(\.name)  // ["cd", "tar", "gzip"]
/// ```
///
/// A text that can't be fully parsed is refused, never guessed at. No shell is started and nothing is looked up.
package struct ShellScript: Sendable, Hashable {
    /// How much of the language is accepted.
    package enum Grammar: Sendable, Hashable {
        /// Simple commands, joined by pipes, `&&`, `||`, `;` and line ends.
        ///
        /// Deliberately small: what it accepts means the same in every POSIX shell and doesn't depend on variables,
        /// functions or the output of other commands. Everything else is refused, whether or not a shell would accept
        /// it.
        case plain
        /// Everything that bash and POSIX shells accept. It finds the commands of a text, but not what they do.
        case whole
    }

    /// The operator between a command and the next one.
    package enum ControlOperator: String, Sendable, Hashable {
        /// The output of this command is the input of the next.
        case pipe = "|"
        /// The next command runs if this one succeeds.
        case and = "&&"
        /// The next command runs if this one fails.
        case or = "||"
        /// The next command runs in any case.
        case sequence = ";"
    }

    /// A program or builtin with its words.
    package struct Command: Sendable, Hashable {
        /// The name and the arguments; empty for a command that only sets variables or opens files.
        package var words: [Word] = []
        /// The variable assignments, `NAME=value`.
        package var assignments: [Word] = []
        /// The redirections, in order.
        package var redirections: [Redirection] = []
        /// The inputs of the command by descriptor: from its own redirections, from those of the constructs around it,
        /// and from an earlier `exec`. Descriptors that it inherits unchanged from the shell aren't listed.
        package var inputs: [Int: Input] = [:]
        /// Whether it has only the redirections of the loop, group or condition before it.
        package var closesCompound = false
        /// The operator that follows; `nil` for the last command.
        package var controlOperator: ControlOperator?
        /// Whether it stands in a loop, a condition, a group, a function or a substitution.
        package internal(set) var isNested = false
        /// Whether it stands in a loop, a condition or a group of the shell that runs it.
        package internal(set) var isInConstruct = false
        /// Whether the shell of the text certainly runs it, so that what it sets stays: it isn't nested, and stands
        /// neither behind `&&` or `||`, nor in a pipe, nor in the background.
        package internal(set) var isCertain = false
        /// The start of the command, in bytes from the start of the text.
        package var offset = 0

        /// Creates a command without words.
        package init() {}

        /// The name as written, including any directory.
        package var name: String { words.first?.value ?? "" }
        /// The words after the name.
        package var arguments: ArraySlice<Word> { words.dropFirst() }

        /// The text of the here-document or here-string that the command reads.
        package var document: String? {
            get { if case .text(let text, _) = inputs[0] { text } else { nil } }
            set { inputs[0] = newValue.map { .text($0, isFixed: true) } }
        }

        /// Whether the command reads another command's output.
        package var readsPipe: Bool {
            get { inputs[0] == .output }
            set {
                if newValue != readsPipe { inputs[0] = newValue ? .output : nil }
            }
        }

        var isEmpty: Bool { words.isEmpty && assignments.isEmpty && redirections.isEmpty }
    }

    /// The source of a command's input.
    package enum Input: Sendable, Hashable {
        /// A here-document or here-string; `isFixed` means that the shell expands nothing in it.
        case text(String, isFixed: Bool)
        /// Another command's output, or an unknown source: a pipe, a process substitution, a connection.
        case output
        /// A file.
        case file(Word)
    }

    /// A word of a command, with its quotes removed.
    package struct Word: Sendable, Hashable {
        /// The text that the program or the shell sees; expansions appear as written, commands in backticks as `$(…)`.
        package var value: String
        /// Whether no variable, substitution or `$'…'` escape changes the text.
        package var isFixed: Bool
        /// Whether the word contains no file name pattern and no `~` for the shell to expand.
        package var hasNoPattern: Bool
        /// Whether the shell may make any number of words of it: it contains an expansion outside of quotes, or of a
        /// list (`"$@"`).
        package var isSplit = false
        /// The number of bytes of the value before its first quote; `nil` without one.
        package var bytesBeforeQuote: Int?
        /// The start of the word, in bytes from the start of the text.
        package var offset: Int

        /// Creates a word.
        package init(_ value: String, isFixed: Bool = true, hasNoPattern: Bool = true, offset: Int = 0) {
            self.value = value
            self.isFixed = isFixed
            self.hasNoPattern = hasNoPattern
            self.offset = offset
        }

        /// Whether the shell takes the text literally.
        package var isLiteral: Bool { isFixed && hasNoPattern }

        var isQuoted: Bool { bytesBeforeQuote != nil }
        /// Whether the word is a number as shells write descriptors.
        var isNumber: Bool { !isQuoted && !value.isEmpty && value.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }

    /// A variable that is set other than by an assignment: by a loop, or by an expansion such as `${x:=value}`.
    package struct Binding: Sendable, Hashable {
        /// The variable.
        package var name: Word
        /// The values that it gets, one after the other.
        package var values: [Word]
        /// The indices of the commands of the loop that gives it the values; `nil` if no loop does.
        package internal(set) var body: Range<Int>?
    }

    /// The commands, in the order in which they end.
    package internal(set) var commands: [Command] = []
    /// The functions that the text defines.
    package internal(set) var functions: [Function] = []
    /// The variables that loops and expansions set.
    package internal(set) var bindings: [Binding] = []
    /// Whether it contains arithmetic, in which a shell evaluates the values of variables, with the commands in their
    /// subscripts.
    package internal(set) var computes = false

    /// Parses a text, in time proportional to its length.
    /// - Parameters:
    ///   - text: the text, at most one mebibyte.
    ///   - grammar: how much of the language is accepted.
    ///   - isBash: whether bash reads the text, so that what other shells read differently needs no refusal.
    /// - Throws: `ShellRefusal` that names the construct in the way and its position.
    package static func parse(
        _ text: String, as grammar: Grammar = .plain, isBash: Bool = false
    ) throws(ShellRefusal) -> ShellScript {
        var parser = ShellParser(Array(text.utf8), grammar, isBash: isBash)
        return try parser.parse()
    }
}

extension ShellScript {
    /// A redirection of a command (POSIX.1-2017, Shell Command Language, section 2.7).
    package struct Redirection: Sendable, Hashable {
        /// The kind of a redirection.
        package enum Operator: String, Sendable, Hashable {
            /// Reads a file.
            case input = "<"
            /// Writes a file, replacing its contents.
            case output = ">"
            /// Appends to a file.
            case append = ">>"
            /// Reads and writes a file.
            case readWrite = "<>"
            /// Makes the descriptor a copy of another one, for output.
            case duplicate = ">&"
            /// Makes the descriptor a copy of another one, for input.
            case duplicateInput = "<&"
            /// Reads the lines that follow in the text, up to one that equals the target.
            case hereDocument = "<<"
            /// Reads the target itself as text.
            case hereString = "<<<"
        }

        /// The redirected descriptor.
        package var descriptor: Int
        /// The kind of redirection.
        package var kind: Operator
        /// The file, the number of the other descriptor, or the text.
        package var target: Word
        /// The lines of a here-document.
        package internal(set) var text: String?

        /// Whether the redirection writes to a file.
        package var writes: Bool {
            switch kind {
            case .output, .append, .readWrite, .duplicate: opensFile
            case .input, .duplicateInput, .hereDocument, .hereString: false
            }
        }

        /// Whether the redirection opens the file that its target names.
        package var opensFile: Bool {
            switch kind {
            case .input, .output, .append, .readWrite: true
            case .duplicate, .duplicateInput: !namesDescriptor
            case .hereDocument, .hereString: false
            }
        }

        var namesDescriptor: Bool {
            target.isFixed && target.value.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2D }
        }
    }
}
