import MMCore

/// A command for a shell, and what it may use.
public struct ShellCommand: Sendable, Hashable {
    /// What the command reads and whether it sees a terminal.
    public enum Input: String, Sendable, Hashable {
        /// Nothing: reading gives the end at once.
        case none
        /// What the caller hands over while it runs (`ShellJob.feed`), as through a pipe.
        case pipe
        /// The session's terminal; output and errors stay apart and exact.
        case terminal
        /// A terminal for all three streams, as full-screen programs want it.
        case screen

        /// Whether it sees a terminal.
        var usesTerminal: Bool { self == .terminal || self == .screen }
    }

    /// Which of a command's outputs.
    public enum Stream: String, Sendable, Hashable, CaseIterable {
        /// Standard output.
        case stdout
        /// Standard error.
        case stderr
        /// What was written to the terminal itself: questions for passwords, echoes, screens.
        case terminal
    }

    /// How much of what it writes is kept.
    public struct Limits: Sendable, Hashable {
        /// The first bytes of each stream that are kept.
        public var head: Int
        /// The last bytes of each stream that are kept.
        public var tail: Int
        /// When this many bytes have been written to one stream the command is cancelled; nil for never.
        public var flood: Int?
        /// How many bytes beyond the first ones wait for whoever takes them (`ShellJob.take`) before the command has to wait;
        /// nil where nobody does.
        package var window: Int?

        /// Limits.
        public init(head: Int = 1 << 20, tail: Int = 1 << 20, flood: Int? = nil) {
            self.head = max(0, head)
            self.tail = max(0, tail)
            self.flood = flood
        }
    }

    /// Rows and columns of a terminal.
    public struct Size: Sendable, Hashable {
        /// Lines, from 1 to 1000.
        public var rows: Int
        /// Columns, from 1 to 1000.
        public var columns: Int

        /// A size.
        public init(rows: Int, columns: Int) {
            self.rows = min(max(rows, 1), 1000)
            self.columns = min(max(columns, 1), 1000)
        }
    }

    /// The text, as it would stand in a script. Line ends stay as they are.
    public var text: String
    /// What it reads.
    public var input: Input
    /// How much of what it writes is kept.
    public var limits: Limits
    /// The size of its terminal; nil for that of the session.
    public var size: Size?
    /// What a policy said of the text before it was handed over.
    package var admission: ShellPolicy.Admission?

    /// A command.
    public init(_ text: String, input: Input = .none, limits: Limits = Limits(), size: Size? = nil) {
        self.text = text
        self.input = input
        self.limits = limits
        self.size = size
    }

    /// Refuses what a shell would silently change.
    /// - Throws: `.invalidInput` for a NUL character, `.limitExceeded` for more than 16 MiB.
    func check() throws(MMError) {
        if text.utf8.contains(0) {
            throw MMError(
                .invalidInput, "The command holds a NUL character, which shells drop or stop at.",
                hint: "Write the data to a file first (upload), or make the byte with printf '\\0'.")
        }
        if text.utf8.count > 16 << 20 {
            throw MMError(
                .limitExceeded, "The command is longer than 16 MiB.", hint: "Upload it as a file and run that.")
        }
    }
}
