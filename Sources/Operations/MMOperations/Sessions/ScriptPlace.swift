import MMCore
import MMPowerShell

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
