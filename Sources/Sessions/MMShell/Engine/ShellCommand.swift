import MMCore

/// A command for a shell, and the resources it may use.
public struct ShellCommand: Sendable, Hashable {
    /// The source of the command's input, and whether it has a terminal.
    public enum Input: String, Sendable, Hashable {
        /// Nothing: reading returns the end at once.
        case none
        /// Bytes that the caller sends while the command runs (`ShellJob.feed`), as through a pipe.
        case pipe
        /// The session's terminal; output and errors stay separate and exact.
        case terminal
        /// A terminal for all three streams, as full-screen programs require.
        case screen

        /// Whether it has a terminal.
        package var usesTerminal: Bool { self == .terminal || self == .screen }
    }

    /// The output streams of a command.
    public enum Stream: String, Sendable, Hashable, CaseIterable {
        /// Standard output.
        case stdout
        /// Standard error.
        case stderr
        /// Output written to the terminal itself: password prompts, echoes, screens.
        case terminal
    }

    /// Called with the output of a command as it comes.
    public typealias Observer = @Sendable (Stream, UnsafeRawBufferPointer) -> Void

    /// How much of the output is kept.
    public struct Limits: Sendable, Hashable {
        /// The number of bytes kept from the beginning of each stream.
        public var head: Int
        /// The number of bytes kept from the end of each stream.
        public var tail: Int
        /// The number of bytes in one stream at which the command is cancelled; `nil` for no limit.
        public var flood: Int?
        /// The number of bytes beyond the head that may wait for the reader (`ShellJob.take`) before the command has to
        /// wait; `nil` if there is no reader.
        package var window: Int?

        /// Creates limits.
        /// - Parameters:
        ///   - head: the number of bytes kept from the beginning of each stream.
        ///   - tail: the number of bytes kept from the end of each stream.
        ///   - flood: the number of bytes in one stream at which the command is cancelled; `nil` for no limit.
        public init(head: Int = 1 << 20, tail: Int = 1 << 20, flood: Int? = nil) {
            self.head = max(0, head)
            self.tail = max(0, tail)
            self.flood = flood
        }
    }

    /// The size of a terminal.
    public struct Size: Sendable, Hashable {
        /// The rows, from 1 to 1000.
        public var rows: Int
        /// The columns, from 1 to 1000.
        public var columns: Int

        /// Creates a size; a number outside the range becomes the nearest one.
        /// - Parameters:
        ///   - rows: the rows, from 1 to 1000.
        ///   - columns: the columns, from 1 to 1000.
        public init(rows: Int, columns: Int) {
            self.rows = min(max(rows, 1), 1000)
            self.columns = min(max(columns, 1), 1000)
        }
    }

    /// The text, as it would be written in a script. Line ends are preserved.
    public var text: String
    /// The source of the command's input.
    public var input: Input
    /// How much of the output is kept.
    public var limits: Limits
    /// The size of its terminal; `nil` for that of the session.
    public var size: Size?
    /// The decision of a policy about the text, made before it was sent.
    package var admission: ShellPolicy.Admission?

    /// Creates a command.
    /// - Parameters:
    ///   - text: the text, as it would be written in a script.
    ///   - input: the source of its input, and whether it has a terminal.
    ///   - limits: how much of the output is kept.
    ///   - size: the size of its terminal; `nil` for that of the session.
    public init(_ text: String, input: Input = .none, limits: Limits = Limits(), size: Size? = nil) {
        self.text = text
        self.input = input
        self.limits = limits
        self.size = size
    }

    /// Returns whether a text assigns, unsets or declares one of the session's own names; reading one is harmless.
    private static func changesOwnNames(_ text: String) -> Bool {
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "=" || $0 == "(" || $0 == ")") }
        let declaring: Set<Substring> = ["readonly", "unset", "declare", "typeset", "local", "export", "read"]
        return words.contains { $0.hasPrefix("__mm_") && ($0.contains("=") || $0.contains("(")) }
            || words.contains { $0.hasPrefix("__mm_") } && words.contains { declaring.contains($0) }
    }

    /// Refuses text that a shell would silently alter.
    /// - Throws: `.invalidInput` for a NUL character, `.limitExceeded` for more than 16 MiB.
    func check() throws(MMError) {
        if text.utf8.contains(0) {
            throw MMError(
                .invalidInput, "The command contains a NUL character, which shells drop or stop at.",
                hint: "Upload the data as a file first, or create the byte with printf '\\0'.")
        }
        // A command that changes the variables or functions of the reports would cause wrong reports, or none.
        if text.contains("__mm_"), Self.changesOwnNames(text) {
            throw MMError(
                .invalidInput, "The command changes names that start with `__mm_`, which are reserved for the session.",
                hint: "Use other names.")
        }
        if text.utf8.count > 16 << 20 {
            throw MMError(
                .limitExceeded, "The command is longer than 16 MiB.", hint: "Upload it as a file and run that.")
        }
    }
}
