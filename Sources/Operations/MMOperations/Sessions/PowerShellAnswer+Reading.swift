import MMCore
import MMGuard
import MMPowerShell

extension PowerShellAnswer {
    /// The text that a console would show: the output and the messages of `Write-Host`, in order. Data may contain
    /// escape sequences, which must not reach a terminal.
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

    /// Returns the output in the requested form.
    func output(isText: Bool) -> [JSONValue] {
        guard isText else { return values }
        let text = consoleText
        return text.isEmpty && values.isEmpty ? [] : [.string(text)]
    }

    /// The note about output of the command that is missing from the answer.
    var missing: String? {
        var parts: [String] = []
        if dropped > 0 {
            parts.append(
                "Only the first \(records.count.counted("record is", "records are")) shown, "
                    + "\(dropped) more were left out: "
                    + "ask for fewer at once, or let the script write them to a file.")
        }
        parts += records.filter(\.isMissingValue).prefix(3).compactMap(\.message)
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }

    /// Returns warnings, errors that didn't end the command, and messages written outside the streams.
    /// - Parameters:
    ///   - isText: whether the answer is text, which already contains the messages of `Write-Host`.
    ///   - script: the script, for the positions of its errors.
    ///   - before: the notes to begin with.
    func notes(isText: Bool, _ script: String, _ before: [String]) -> [String] {
        var notes = before
        if dropped > 0, let missing { notes.append(missing) }
        var asides: [String] = []
        var isLineOpen = false
        for record in records {
            switch record.stream {
            case .warning: notes.append(RepeatedLines.warning(record.message ?? ""))
            case .verbose: notes.append("VERBOSE: \(record.message ?? "")")
            case .debug: notes.append("DEBUG: \(record.message ?? "")")
            case .error: notes.append(ReportedError(record, in: script).line)
            case .information:
                guard let message = record.message, !(isText && record.isHostText) else { continue }
                // A console doesn't show them; modules use them to report what they load.
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
        notes += self.console.compactMap(\.note)
        if let code = end?.exitCode, code != 0 { notes.append("The last program ended with code \(code).") }
        return RepeatedLines.counted((notes + asides).map(TerminalText.plain))
    }

    /// Returns the errors that didn't end the command. A value that could not be sent is reported as missing instead.
    func reportedErrors(in script: String) -> [ReportedError] {
        errors.filter { !$0.isMissingValue }.map { ReportedError($0, in: script) }
    }

    /// Returns the module's cmdlets with names similar to those that PowerShell didn't know.
    func nearCommands(in module: String, _ script: String) -> [String] {
        let id = "CommandNotFoundException"
        var unknown = records.filter { $0.stream == .error && $0.value["id"]?.string == id }
            .compactMap { $0.value["target"]?.string }
        // The error that ends a script has no target.
        if let failure = end?.failure, failure.id == id, let name = ScriptPlace.word(at: failure, in: script) {
            unknown.append(name)
        }
        var names: [String] = []
        for name in unknown where name.contains("-") && !names.contains(name) { names.append(name) }
        guard !names.isEmpty else { return [] }
        let cmdlets = CmdletCompletion(module: module)
        return names.prefix(3).compactMap { name in
            let near = cmdlets.near(name)
            // A name that the module has isn't misspelled: this PowerShell lacks that module.
            if let lacking = cmdlets.azureModule(of: name) {
                let requirement = ModuleRequirement.module(name: lacking, least: nil)
                return
                    "\(TerminalText.plain(name)) is a cmdlet of the module \(lacking), which is not installed for this user. "
                    + "Install it: \(requirement.installCommand), then: mm reset. Without it, use Invoke-AzRestMethod."
            }
            guard !near.isEmpty, !near.contains(where: { $0.lowercased() == name.lowercased() }) else { return nil }
            return "Names similar to \(TerminalText.plain(name)): \(near.joined(separator: ", "))."
        }
    }

    /// Returns advice for errors of a module, or of any script in a session, that don't explain themselves.
    func advice(in module: String) -> [String] {
        let traps = [ModuleTrap.prompt] + ((try? ModuleProfiles.named(module))?.traps ?? [])
        let messages = ([problem] + errors.map(\.message)).compactMap(\.self)
        return traps.filter { trap in messages.contains(where: trap.caught) }.map(\.advice)
    }

    /// Returns why the command failed, with the position in its script.
    func problem(in script: String) -> String {
        guard let problem = self.problem.map(TerminalText.plain) else { return "The command failed." }
        guard let failure = end?.failure, let place = ScriptPlace(failure, in: script) else { return problem }
        return "\(problem) \(place)"
    }
}

extension ConsoleText {
    /// The text without empty lines around it; `nil` if nothing else is in it.
    fileprivate var note: String? {
        let lines = text.drop(while: \.isNewline)
        guard let end = lines.lastIndex(where: { !$0.isWhitespace }) else { return nil }
        return String(lines[...end])
    }
}

extension ReportedError {
    /// Creates the error of a PowerShell script, with its position.
    init(_ record: PowerShellRecord, in script: String) {
        let place = ScriptPlace(record.value, in: script).map { " \($0)" } ?? ""
        self.init(
            (record.message ?? record.value.description) + place, id: record.value["id"]?.string ?? "",
            category: record.value["category"]?.string)
    }
}

/// The position of an error in a script of several lines. A script of one line needs none, and a line in a module's
/// file isn't part of the script.
struct ScriptPlace: CustomStringConvertible {
    private let line: Int
    private let column: Int?

    /// Reads the position of an error record.
    init?(_ error: JSONValue, in script: String) {
        self.init(error["line"]?.int, error["column"]?.int, file: error["file"]?.string, in: script)
    }

    /// Reads the position of the error that ended a command.
    init?(_ failure: CommandFailure, in script: String) {
        self.init(failure.line, failure.column, file: failure.file, in: script)
    }

    /// Returns the word of a script at the error that ended it, which is the command's name if the command was unknown.
    static func word(at failure: CommandFailure, in script: String) -> String? {
        guard let line = failure.line, let column = failure.column, column > 0, failure.file?.isEmpty ?? true else {
            return nil
        }
        let lines = script.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard lines.indices.contains(line - 1) else { return nil }
        // PowerShell counts columns in UTF-16 units.
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
