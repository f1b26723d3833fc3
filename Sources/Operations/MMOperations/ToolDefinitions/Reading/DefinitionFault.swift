package import MMCore

extension MMError {
    /// Creates the error for a fault of a definition, with its place.
    static func definition(_ place: String, line: Int, _ message: String, hint: String) -> MMError {
        MMError(
            .invalidInput, "\(place), line \(line): \(message)", hint: hint,
            details: ["file": .string(place), "line": .int(Int64(line))])
    }

    /// Returns the error with the line of the definition, unless it has one already.
    func at(_ place: String, line: Int) -> MMError {
        guard details["line"] == nil else { return self }
        return .definition(place, line: line, message, hint: hint ?? "Correct the definition.")
    }
}

/// A problem of a definition: the file, the line and the remedy.
package struct ToolProblem: Sendable, Hashable {
    /// The path of the file.
    package let file: String
    /// The line, counted from 1, if it is known.
    package let line: Int?
    /// The error message.
    package let message: String
    /// The remedy.
    package let hint: String?

    package init(file: String, _ error: MMError) {
        self.file = file
        line = error.details["line"]?.int
        message = error.message
        hint = error.hint
    }

    /// The problem as a row of a list.
    package var json: JSONObject {
        var object: JSONObject = ["file": .string(file), "problem": .string(message)]
        object["line"] = line.map { .int(Int64($0)) }
        object["remedy"] = hint.map { .string($0) }
        return object
    }
}
