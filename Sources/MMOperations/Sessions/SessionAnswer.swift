import MMCore
import MMPowerShell

/// What a command left, and in which session.
struct SessionAnswer: Sendable {
    /// Everything that came from the command.
    let answer: PowerShellAnswer
    /// The account that it ran as.
    let account: String
    /// Whether it ran on the stand-in.
    let isStandIn: Bool

    /// What is said of an answer that no PowerShell gave.
    static let standInNote = "This ran on the sandbox's stand-in, not on a real PowerShell."

    /// The answer for the caller.
    /// - Throws: `remote_failed` with PowerShell's words when a terminating or syntax error ended the command; what it had
    ///   written by then is in the details.
    func operationAnswer(of input: RunInput, connection: String) throws(MMError) -> OperationAnswer {
        let notes = notes
        let isText = input.output == "text"
        switch answer.end?.state {
        case .completed?: break
        case .stopped?:
            throw MMError(.cancelled, "The command was stopped; the session stays.").after(output(isText))
        default:
            throw MMError(
                .remoteFailed, answer.problem ?? "The command failed.",
                hint: notes.isEmpty ? nil : notes.joined(separator: "\n")
            ).after(output(isText))
        }
        if isText {
            return OperationAnswer(.text(text), notes: notes, connection: connection)
        }
        return OperationAnswer(.value(.array(answer.values)), notes: notes, connection: connection)
    }

    private var text: String {
        answer.values.map { $0.string ?? $0.description }.joined(separator: "\n")
    }

    private func output(_ isText: Bool) -> [JSONValue] {
        isText && !answer.values.isEmpty ? [.string(text)] : answer.values
    }

    /// Warnings, errors that did not end the command, and what was written past the streams.
    private var notes: [String] {
        var notes: [String] = []
        if isStandIn { notes.append(Self.standInNote) }
        for record in answer.records {
            switch record.stream {
            case .warning: notes.append("WARNING: \(record.message ?? "")")
            case .error: notes.append("ERROR: \(record.message ?? record.value.description)")
            case .information: if let message = record.message { notes.append(message) }
            default: continue
            }
        }
        for console in answer.console { notes.append(console.text) }
        if let code = answer.end?.exitCode, code != 0 { notes.append("The last program ended with code \(code).") }
        if answer.dropped > 0 { notes.append("\(answer.dropped) more records were left out.") }
        return RepeatedLines.counted(notes)
    }
}
