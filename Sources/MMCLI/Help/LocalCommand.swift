package import MMCore
package import MMOperations

/// A command that belongs to this machine and is no operation: version, completions, the sandbox, the servers.
package struct LocalCommand: Sendable {
    /// What a command does: reads its arguments, writes to the streams, answers the exit code.
    package typealias Body = @Sendable (InputReader, GlobalOptions, CommandStreams) async throws(MMError) -> Int32
    /// What a command with arguments of its own kind does: gets the words behind the command's as they are.
    package typealias WordsBody = @Sendable ([String]) async throws(MMError) -> Int32

    /// How a command takes its arguments.
    package enum Work: Sendable {
        /// By its fields, checked.
        case fields(Body)
        /// As they stand. Only `--help` is read before.
        case words(WordsBody)
    }

    /// The words of the command line.
    package let words: [String]
    /// The flag that makes it this command instead of the operation with the same words.
    package let trigger: String?
    /// Whether only programs start it: help, completion and suggestions leave it out.
    package private(set) var isHidden = false
    /// What it does, in one line.
    package let summary: String
    /// More for its own help text; empty: nothing more.
    package let discussion: String
    /// Its arguments.
    package let fields: [InputField]
    /// Command lines that work.
    package let examples: [OperationDeclaration.Example]
    /// What it does.
    package let work: Work

    /// A command of this machine.
    /// - Parameters:
    ///   - words: the words of the command line.
    ///   - trigger: the flag that makes it this command instead of the operation with the same words.
    ///   - summary: what it does, in one line.
    ///   - discussion: more for its own help text.
    ///   - fields: its arguments.
    ///   - examples: command lines that work.
    ///   - run: does it; answers the exit code.
    package init(
        _ words: [String], trigger: String? = nil, summary: String, discussion: String = "", fields: [InputField] = [],
        examples: [OperationDeclaration.Example] = [],
        run: @escaping Body
    ) {
        self.init(
            words, trigger: trigger, summary: summary, discussion: discussion, fields: fields, examples: examples,
            work: .fields(run))
    }

    /// A command of this machine that may read its arguments itself.
    /// - Parameters:
    ///   - words: the words of the command line.
    ///   - trigger: the flag that makes it this command instead of the operation with the same words.
    ///   - summary: what it does, in one line.
    ///   - discussion: more for its own help text.
    ///   - fields: its arguments.
    ///   - examples: command lines that work.
    ///   - work: does it; answers the exit code.
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

    /// The same command, left out of help, completion and suggestions.
    package var hidden: LocalCommand {
        var command = self
        command.isHidden = true
        return command
    }
}
