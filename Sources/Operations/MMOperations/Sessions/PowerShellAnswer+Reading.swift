import MMCore
import MMGuard
import MMPowerShell

extension PowerShellAnswer {
    /// What a console would show: the output, and what `Write-Host` wrote among it. Data may hold escape sequences, which
    /// must not reach a terminal.
    var consoleText: String {
        var text = ""
        for record in records {
            if record.isHostText {
                text += (record.message ?? "") + (record.endsLine ? "\n" : "")
            } else if record.stream == .output || record.stream == .text {
                text += (record.value.string ?? record.value.description) + "\n"
            }
        }
        if text.hasSuffix("\n") { text.removeLast() }
        return TerminalText.plain(text)
    }

    /// What it put out, in the form that was asked for.
    func output(isText: Bool) -> [JSONValue] {
        guard isText else { return values }
        let text = consoleText
        return text.isEmpty && values.isEmpty ? [] : [.string(text)]
    }

    /// What the command put out and the answer lacks.
    var missing: String? {
        var parts: [String] = []
        if dropped > 0 {
            parts.append(
                "Only the first \(records.count) records are here, \(dropped) more were left out: "
                    + "ask for fewer at once, or let the script write them to a file.")
        }
        parts += records.filter(\.isMissingValue).prefix(3).compactMap(\.message)
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }

    /// Warnings, errors that did not end the command, and what was written past the streams.
    /// - Parameters:
    ///   - isText: whether the answer is text: what `Write-Host` wrote stands in it then.
    ///   - script: the script, for the places of its errors.
    ///   - before: what is said first.
    func notes(isText: Bool, _ script: String, _ before: [String]) -> [String] {
        var notes = before
        if dropped > 0, let missing { notes.append(missing) }
        var asides: [String] = []
        var isLineOpen = false
        for record in records {
            switch record.stream {
            case .warning: notes.append("WARNING: \(record.message ?? "")")
            case .verbose: notes.append("VERBOSE: \(record.message ?? "")")
            case .debug: notes.append("DEBUG: \(record.message ?? "")")
            case .error: notes.append(ReportedError(record, in: script).line)
            case .information:
                guard let message = record.message, !(isText && record.isHostText) else { continue }
                // A console doesn't show them at all: modules tell there what they load.
                guard record.isHostText else {
                    asides.append(message)
                    continue
                }
                if isLineOpen, !notes.isEmpty {
                    notes[notes.count - 1] += message
                } else {
                    notes.append(message)
                }
                isLineOpen = !record.endsLine
                continue
            case .output, .text, .progress: continue
            }
            isLineOpen = false
        }
        for console in self.console { notes.append(console.text) }
        if let code = end?.exitCode, code != 0 { notes.append("The last program ended with code \(code).") }
        return RepeatedLines.counted((notes + asides).map(TerminalText.plain))
    }

    /// The errors that did not end the command; a value that could not be sent is missing, and told as that.
    func reportedErrors(in script: String) -> [ReportedError] {
        errors.filter { !$0.isMissingValue }.map { ReportedError($0, in: script) }
    }

    /// The cmdlets of a module that were most likely meant by names which PowerShell did not know.
    func nearCommands(in module: String, _ script: String) -> [String] {
        let id = "CommandNotFoundException"
        var unknown = records.filter { $0.stream == .error && $0.value["id"]?.string == id }
            .compactMap { $0.value["target"]?.string }
        // What ends a script comes without a target.
        if let failure = end?.failure, failure.id == id, let name = ScriptPlace.word(at: failure, in: script) {
            unknown.append(name)
        }
        var names: [String] = []
        for name in unknown where name.contains("-") && !names.contains(name) { names.append(name) }
        guard !names.isEmpty else { return [] }
        let cmdlets = CmdletCompletion(module: module)
        return names.prefix(3).compactMap { name in
            let near = cmdlets.near(name)
            // A cmdlet that the module has is not misspelled: this PowerShell lacks it.
            if let lacking = cmdlets.azureModule(of: name) {
                let requirement = ModuleRequirement.module(name: lacking, least: nil)
                return
                    "\(TerminalText.plain(name)) is a cmdlet of the module \(lacking), which is not installed for this user. "
                    + "Install it: \(requirement.installCommand), then: mm reset. Without it, Invoke-AzRestMethod reaches its service."
            }
            guard !near.isEmpty, !near.contains(where: { $0.lowercased() == name.lowercased() }) else { return nil }
            return "Near \(TerminalText.plain(name)): \(near.joined(separator: ", "))."
        }
    }

    /// What helps where a module's errors don't say so.
    func advice(in module: String) -> [String] {
        let traps = (try? ModuleProfiles.named(module))?.traps ?? []
        let messages = ([problem] + errors.map(\.message)).compactMap(\.self)
        return traps.filter { trap in messages.contains(where: trap.caught) }.map(\.advice)
    }

    /// Why it failed, with the place in its script.
    func problem(in script: String) -> String {
        guard let problem = self.problem.map(TerminalText.plain) else { return "The command failed." }
        guard let failure = end?.failure, let place = ScriptPlace(failure, in: script) else { return problem }
        return "\(problem) \(place)"
    }
}

extension ReportedError {
    /// The error of a script in PowerShell, with its place there.
    init(_ record: PowerShellRecord, in script: String) {
        let place = ScriptPlace(record.value, in: script).map { " \($0)" } ?? ""
        self.init(
            (record.message ?? record.value.description) + place, id: record.value["id"]?.string ?? "",
            category: record.value["category"]?.string)
    }
}

/// Where in a script of several lines something happened. In a script of one line there is nothing to look for, and a line
/// of a module's file is none of the script.
struct ScriptPlace: CustomStringConvertible {
    private let line: Int
    private let column: Int?

    /// The place of an error record.
    init?(_ error: JSONValue, in script: String) {
        self.init(error["line"]?.int, error["column"]?.int, file: error["file"]?.string, in: script)
    }

    /// The place of the error that ended a command.
    init?(_ failure: CommandFailure, in script: String) {
        self.init(failure.line, failure.column, file: failure.file, in: script)
    }

    /// The word of a script at which the error stands that ended it: a command's name, where that was unknown.
    static func word(at failure: CommandFailure, in script: String) -> String? {
        guard let line = failure.line, let column = failure.column, column > 0, failure.file?.isEmpty ?? true else {
            return nil
        }
        let lines = script.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard lines.indices.contains(line - 1) else { return nil }
        // PowerShell counts UTF-16 units.
        let rest = Substring(lines[line - 1].utf16.dropFirst(column - 1))
        let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "-" }
        return word.isEmpty ? nil : String(word)
    }

    private init?(_ line: Int?, _ column: Int?, file: String?, in script: String) {
        guard let line, line > 0, file?.isEmpty ?? true, script.contains(where: \.isNewline) else { return nil }
        self.line = line
        self.column = column.flatMap { $0 > 0 ? $0 : nil }
    }

    var description: String { "(line \(line)\(column.map { ", column \($0)" } ?? ""))" }
}
