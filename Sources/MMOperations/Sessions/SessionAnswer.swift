import MMCore
import MMPowerShell

/// What a command left, and in which session.
package struct SessionAnswer: Sendable {
    /// Everything that came from the command.
    let answer: PowerShellAnswer
    /// The account that it ran as.
    let account: String
    /// Whether it ran on the stand-in.
    let isStandIn: Bool
    /// What became of its requests, where they were judged.
    var traffic: CallTraffic?
    /// What is said besides.
    var notices: [String] = []

    /// What is said of an answer that no PowerShell gave.
    package static let standInNote = "This ran on the sandbox's stand-in, not on a real PowerShell."

    /// The answer for the caller.
    /// - Throws: `remote_failed` with PowerShell's words when a terminating or syntax error ended the command; what it had
    ///   written by then is in the details.
    func operationAnswer(of input: RunInput, connection: String) throws(MMError) -> OperationAnswer {
        let isText = input.output == "text"
        let notes =
            notices + (traffic?.notes(connection: connection) ?? []) + notes(isText: isText, input.command ?? "")
        if let error = traffic?.error { throw error.after(output(isText)) }
        switch answer.end?.state {
        case .completed?: break
        case .stopped?:
            throw MMError(.cancelled, "The command was stopped; the session stays.").after(output(isText))
        default:
            throw MMError(
                .remoteFailed, problem(in: input.command ?? ""),
                hint: notes.isEmpty ? nil : notes.joined(separator: "\n")
            ).after(output(isText))
        }
        var result =
            isText
            ? OperationAnswer(.text(text), notes: notes, connection: connection)
            : OperationAnswer(.value(.array(answer.values)), notes: notes, connection: connection)
        result.missing = missing
        return result
    }

    /// What a console would show: the output, and what `Write-Host` wrote among it. Data may hold escape sequences, which
    /// must not reach a terminal.
    private var text: String {
        var text = ""
        for record in answer.records {
            if record.isHostText {
                text += (record.message ?? "") + (record.endsLine ? "\n" : "")
            } else if record.stream == .output || record.stream == .text {
                text += (record.value.string ?? record.value.description) + "\n"
            }
        }
        if text.hasSuffix("\n") { text.removeLast() }
        return TerminalText.plain(text)
    }

    private func output(_ isText: Bool) -> [JSONValue] {
        guard isText else { return answer.values }
        let text = text
        return text.isEmpty && answer.values.isEmpty ? [] : [.string(text)]
    }

    /// What the command put out and the answer lacks.
    private var missing: String? {
        var parts: [String] = []
        if answer.dropped > 0 {
            parts.append(
                "Only the first \(answer.records.count) records are here, \(answer.dropped) more were left out: "
                    + "ask for fewer at once, or let the script write them to a file.")
        }
        parts += answer.records.filter(\.isMissingValue).prefix(3).compactMap(\.message)
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }

    /// Warnings, errors that did not end the command, and what was written past the streams.
    func notes(isText: Bool, _ script: String) -> [String] {
        var notes: [String] = []
        if isStandIn { notes.append(Self.standInNote) }
        if answer.dropped > 0, let missing { notes.append(missing) }
        var isLineOpen = false
        for record in answer.records {
            switch record.stream {
            case .warning: notes.append("WARNING: \(record.message ?? "")")
            case .verbose: notes.append("VERBOSE: \(record.message ?? "")")
            case .debug: notes.append("DEBUG: \(record.message ?? "")")
            case .error:
                let place = ScriptPlace(record.value, in: script).map { " \($0)" } ?? ""
                notes.append("ERROR: \(record.message ?? record.value.description)\(place)")
            case .information:
                guard let message = record.message, !(isText && record.isHostText) else { continue }
                if isLineOpen, record.isHostText, !notes.isEmpty {
                    notes[notes.count - 1] += message
                } else {
                    notes.append(message)
                }
                isLineOpen = record.isHostText && !record.endsLine
                continue
            case .output, .text, .progress: continue
            }
            isLineOpen = false
        }
        for console in answer.console { notes.append(console.text) }
        if let code = answer.end?.exitCode, code != 0 { notes.append("The last program ended with code \(code).") }
        return RepeatedLines.counted(notes.map(TerminalText.plain))
    }

    func problem(in script: String) -> String {
        guard let problem = answer.problem.map(TerminalText.plain) else { return "The command failed." }
        guard let failure = answer.end?.failure, let place = ScriptPlace(failure, in: script) else { return problem }
        return "\(problem) \(place)"
    }
}
