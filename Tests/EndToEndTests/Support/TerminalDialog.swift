import MMCore
import MMSystem
import Testing

extension Tenant {
    /// The result of a command in a terminal.
    struct Dialog: Sendable {
        let code: Int32
        let text: String

        /// Whether the text contains this, ignoring line breaks.
        func says(_ phrase: String) -> Bool {
            text.split(whereSeparator: \.isWhitespace).joined(separator: " ").contains(phrase)
        }
    }

    /// Runs `mm` in a terminal and types answers to its questions.
    /// - Parameters:
    ///   - words: its arguments.
    /// - answers: texts to wait for, and what to type then, in this order.
    /// - extra: additional environment variables.
    func dialog(
        _ words: [String], _ answers: [(question: String, text: String)] = [], _ extra: [String: String] = [:]
    ) async throws -> Dialog {
        // A pager would wait for a key.
        let environment = home.environment.merging(["MM_PAGER": "cat"]) { $1 }.merging(extra) { $1 }
        var command = ChildCommand(Programs.mm, words, environment: environment)
        command.terminal = Terminal.Size(rows: 24, columns: 80)
        command.input = .terminal
        command.output = .terminal
        command.error = .terminal
        let child = try await ChildProcess.start(command)
        let terminal = try #require(child.terminal)
        var all = ""
        var seen = ""
        for (question, text) in answers {
            while !readable(seen).contains(question), let piece = try? await terminal.output.read() {
                seen += String(decoding: piece, as: UTF8.self)
            }
            try #require(readable(seen).contains(question), "\(all)\(seen)")
            all += seen
            seen = ""
            try await terminal.input.write(Array(text.utf8))
        }
        while let piece = try? await terminal.output.read() { seen += String(decoding: piece, as: UTF8.self) }
        return Dialog(code: await child.exit().code, text: all + seen)
    }

    /// The letters of a terminal's text: how an editor divides and colours words doesn't matter.
    private func readable(_ text: String) -> String {
        var letters = ""
        var isSequence = false
        for scalar in text.unicodeScalars {
            if scalar == "\u{1B}" {
                isSequence = true
            } else if isSequence {
                isSequence = scalar == "[" || !("@"..."~").contains(scalar)
            } else {
                letters.unicodeScalars.append(scalar)
            }
        }
        return letters
    }
}
