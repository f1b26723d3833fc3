package import MMCore
import MMPowerShell

/// An error that a script reported without ending, so that its output may be incomplete.
package struct ReportedError: Sendable, Hashable {
    /// The message in the words of the component that raised the error.
    package var message: String
    /// PowerShell's error id, which may be empty.
    package var id: String
    /// PowerShell's error category, such as `ObjectNotFound`.
    package var category: String?
    /// The cmdlet that raised it.
    package var cmdlet: String?

    /// The maximum number of errors that are passed on; the lines for people count the rest.
    package static let most = 50

    /// Creates an error.
    package init(_ message: String, id: String = "", category: String? = nil, cmdlet: String? = nil) {
        self.message = message
        self.id = id
        self.category = category
        self.cmdlet = cmdlet
    }

    /// Returns the error with the name of what it is about before its message.
    func about(_ subject: String) -> ReportedError {
        var told = self
        told.message = "\(subject): \(message)"
        return told
    }

    /// The error as JSON, for programs.
    package var json: JSONObject {
        var object: JSONObject = ["message": .string(message)]
        if !id.isEmpty { object["id"] = .string(id) }
        object["category"] = category.map { .string($0) }
        object["cmdlet"] = cmdlet.map { .string($0) }
        return object
    }

    /// Reads the error from the form of `json`.
    package init?(json: JSONValue) {
        guard let message = json["message"]?.string else { return nil }
        self.init(
            message, id: json["id"]?.string ?? "", category: json["category"]?.string, cmdlet: json["cmdlet"]?.string)
    }

    /// The error as a line for people.
    package var line: String { Self.mark + TerminalText.plain(message) }

    /// The beginning of an error's line.
    package static let mark = "ERROR: "

    /// Returns the lines of several errors, each once.
    package static func lines(_ errors: [ReportedError]) -> [String] { RepeatedLines.counted(errors.map(\.line)) }

    /// Combines several errors into the one that programs get with the output.
    /// - Returns: the combined error; `nil` if there are none.
    package static func summary(_ errors: [ReportedError]) -> MMError? {
        guard let first = errors.first else { return nil }
        return MMError(
            first.category == "ObjectNotFound" ? .notFound : .remoteFailed,
            errors.count == 1
                ? first.message : "\(first.message) (\(errors.count - 1) more; the call continued)",
            details: ["errors": .array(errors.prefix(most).map { .object($0.json) })])
    }
}
