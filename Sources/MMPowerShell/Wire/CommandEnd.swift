/// How a command ended inside PowerShell.
public struct CommandEnd: Sendable, Hashable {
    /// The state of the pipeline when it ended.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// It ran to its end; there may have been error records.
        case completed = "Completed"
        /// A terminating error ended it.
        case failed = "Failed"
        /// It was stopped.
        case stopped = "Stopped"
        /// The script has syntax errors; nothing ran.
        case parseFailed = "ParseFailed"
    }

    /// The state.
    public let state: State
    /// The terminating error of a failed command.
    public let failure: CommandFailure?
    /// The syntax errors of a script that didn't parse.
    package let problems: [SyntaxProblem]
    /// Exit code of the last native program that this command ran.
    public let exitCode: Int?
    /// The session's location after the command.
    public let location: String?
    /// Faults while records were being turned into text; empty unless something is wrong with the host itself.
    public let sinkErrors: [String]

    /// An end.
    /// - Parameters:
    ///   - state: the state of the pipeline.
    ///   - failure: the terminating error.
    ///   - problems: syntax errors.
    ///   - exitCode: exit code of the last native program.
    ///   - location: the location after the command.
    ///   - sinkErrors: faults while records were turned into text.
    package init(
        _ state: State, failure: CommandFailure? = nil, problems: [SyntaxProblem] = [], exitCode: Int? = nil,
        location: String? = nil, sinkErrors: [String] = []
    ) {
        self.state = state
        self.failure = failure
        self.problems = problems
        self.exitCode = exitCode
        self.location = location
        self.sinkErrors = sinkErrors
    }
}

/// The terminating error that ended a command.
public struct CommandFailure: Sendable, Hashable {
    /// PowerShell's words.
    public let message: String
    /// The .NET type of the exception.
    public let type: String?
    /// The fully qualified error id.
    public let id: String?
    /// Line of the script, from 1; 0 or `nil` when unknown.
    public let line: Int?
    /// Column of the script, from 1; 0 or `nil` when unknown.
    public let column: Int?
    /// The module's file that line and column are of; `nil` for the script itself.
    public let file: String?

    /// A failure.
    /// - Parameters:
    ///   - message: PowerShell's words.
    ///   - type: the .NET type of the exception.
    ///   - id: the fully qualified error id.
    ///   - line: line of the script.
    ///   - column: column of the script.
    ///   - file: the module's file that line and column are of.
    public init(
        message: String, type: String? = nil, id: String? = nil, line: Int? = nil, column: Int? = nil,
        file: String? = nil
    ) {
        self.message = message
        self.type = type
        self.id = id
        self.line = line
        self.column = column
        self.file = file
    }
}

/// One syntax error that PowerShell's own parser found.
package struct SyntaxProblem: Sendable, Hashable {
    /// The parser's error id.
    package let id: String
    /// The parser's words.
    package let message: String
    /// Line, from 1.
    package let line: Int
    /// Column, from 1.
    package let column: Int

    /// A problem.
    /// - Parameters:
    ///   - id: the parser's error id.
    ///   - message: the parser's words.
    ///   - line: line, from 1.
    ///   - column: column, from 1.
    package init(id: String, message: String, line: Int, column: Int) {
        self.id = id
        self.message = message
        self.line = line
        self.column = column
    }
}
