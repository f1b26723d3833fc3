package import MMCore
package import MMOperations

/// A command that isn't an operation and runs in this process: version, completions, the sandbox, the servers.
package struct LocalCommand: Sendable {
    /// The error of a command that fails.
    package typealias Failure = MMError

    /// How a command takes its arguments, and what runs it; each returns the exit code.
    package enum Work: Sendable {
        /// Parsed and checked according to the command's fields.
        case fields(@Sendable (InputReader, GlobalOptions, CommandStreams) async throws(Failure) -> Int32)
        /// Unchanged, except that `--help` is handled first.
        case words(@Sendable ([String]) async throws(Failure) -> Int32)
    }

    /// The command's words on the command line.
    package let words: [String]
    /// The flag that selects this command instead of the operation with the same words.
    package let trigger: String?
    /// Whether only programs run the command; help, completion and suggestions leave it out.
    package private(set) var isHidden = false
    /// Whether the command reaches the pool that `--pool` names; all others work on this machine alone.
    package private(set) var takesPool = false
    /// A one-line description.
    package let summary: String
    /// Further text for the command's own help; may be empty.
    package let discussion: String
    /// The command's arguments.
    package let fields: [InputField]
    /// Command lines that work as they are.
    package let examples: [OperationDeclaration.Example]
    /// How the command takes its arguments, and what it runs.
    package let work: Work

    /// Creates a local command.
    /// - Parameters:
    ///   - words: the command's words on the command line.
    ///   - trigger: the flag that selects this command instead of the operation with the same words.
    ///   - summary: a one-line description.
    ///   - discussion: further text for the command's own help.
    ///   - fields: the command's arguments.
    ///   - examples: command lines that work as they are.
    ///   - run: runs the command and returns the exit code.
    package init(
        _ words: [String], trigger: String? = nil, summary: String, discussion: String = "", fields: [InputField] = [],
        examples: [OperationDeclaration.Example] = [],
        run: @escaping @Sendable (InputReader, GlobalOptions, CommandStreams) async throws(Failure) -> Int32
    ) {
        self.init(
            words, trigger: trigger, summary: summary, discussion: discussion, fields: fields, examples: examples,
            work: .fields(run))
    }

    /// Creates a local command that may parse its own arguments.
    /// - Parameters:
    ///   - words: the command's words on the command line.
    ///   - trigger: the flag that selects this command instead of the operation with the same words.
    ///   - summary: a one-line description.
    ///   - discussion: further text for the command's own help.
    ///   - fields: the command's arguments.
    ///   - examples: command lines that work as they are.
    ///   - work: how the command takes its arguments, and what it runs.
    package init(
        _ words: [String], trigger: String? = nil, summary: String, discussion: String = "", fields: [InputField] = [],
        examples: [OperationDeclaration.Example] = [], work: Work
    ) {
        self.words = words
        self.trigger = trigger
        self.summary = summary
        self.discussion = discussion
        self.fields = fields
        self.examples = examples
        self.work = work
    }

    /// The same command, which reaches the pool that `--pool` names.
    package var reachingPool: LocalCommand {
        var command = self
        command.takesPool = true
        return command
    }

    /// The same command, left out of help, completion and suggestions.
    package var hidden: LocalCommand {
        var command = self
        command.isHidden = true
        return command
    }
}
