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

    private init?(_ line: Int?, _ column: Int?, file: String?, in script: String) {
        guard let line, line > 0, file?.isEmpty ?? true, script.contains(where: \.isNewline) else { return nil }
        self.line = line
        self.column = column.flatMap { $0 > 0 ? $0 : nil }
    }

    var description: String { "(line \(line)\(column.map { ", column \($0)" } ?? ""))" }
}
