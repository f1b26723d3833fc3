package import MMCore
package import MMOperations

/// A command that belongs to this machine and is no operation: version, completions, the sandbox, the servers.
package struct LocalCommand: Sendable {
    /// What a command does: reads its arguments, writes to the streams, answers the exit code.
    package typealias Body = @Sendable (InputReader, GlobalOptions, CommandStreams) async throws(MMError) -> Int32

    /// The words of the command line.
    package let words: [String]
    /// The flag that makes it this command instead of the operation with the same words.
    package let trigger: String?
    /// What it does, in one line.
    package let summary: String
    /// More for its own help text; empty: nothing more.
    package let discussion: String
    /// Its arguments.
    package let fields: [InputField]
    /// Command lines that work.
    package let examples: [OperationDeclaration.Example]
    private let body: Body

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
        self.words = words
        self.trigger = trigger
        self.summary = summary
        self.discussion = discussion
        self.fields = fields
        self.examples = examples
        self.body = run
    }

    /// Does it.
    /// - Parameters:
    ///   - input: its arguments.
    ///   - options: those of every command.
    ///   - streams: where it writes.
    /// - Returns: the exit code.
    /// - Throws: `MMError`.
    package func run(_ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams) async throws(MMError)
        -> Int32
    {
        try await body(input, options, streams)
    }
}
