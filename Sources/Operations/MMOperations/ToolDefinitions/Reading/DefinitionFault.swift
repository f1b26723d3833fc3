package import MMCore

extension MMError {
    /// What is wrong with a definition, and where.
    static func definition(_ place: String, line: Int, _ message: String, hint: String) -> MMError {
        MMError(
            .invalidInput, "\(place), line \(line): \(message)", hint: hint,
            details: ["file": .string(place), "line": .int(Int64(line))])
    }

    /// The same error with the line of a definition in front, where it names none.
    func at(_ place: String, line: Int) -> MMError {
        guard details["line"] == nil else { return self }
        return .definition(place, line: line, message, hint: hint ?? "Correct the definition.")
    }
}

/// A definition that can't be used: which file, which line, and what to do.
package struct ToolProblem: Sendable, Hashable {
    /// The path of the file.
    package let file: String
    /// The line, counted from 1, where it is known.
    package let line: Int?
    /// What is wrong.
    package let message: String
    /// What to do.
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
