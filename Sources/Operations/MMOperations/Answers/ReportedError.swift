package import MMCore
import MMPowerShell

/// An error that a script reported and that did not end it: what came out besides is not all that was asked for.
package struct ReportedError: Sendable, Hashable {
    /// What happened, in the words of whoever raised it.
    package var message: String
    /// PowerShell's error id; may be empty.
    package var id: String
    /// PowerShell's error category, such as `ObjectNotFound`.
    package var category: String?
    /// The cmdlet that raised it.
    package var cmdlet: String?

    /// How many are carried along; the lines for people count the rest.
    package static let most = 50

    /// An error.
    package init(_ message: String, id: String = "", category: String? = nil, cmdlet: String? = nil) {
        self.message = message
        self.id = id
        self.category = category
        self.cmdlet = cmdlet
    }

    /// The error for programs.
    package var json: JSONObject {
        var object: JSONObject = ["message": .string(message)]
        if !id.isEmpty { object["id"] = .string(id) }
        object["category"] = category.map { .string($0) }
        object["cmdlet"] = cmdlet.map { .string($0) }
        return object
    }

    /// Reads what `json` gives.
    package init?(json: JSONValue) {
        guard let message = json["message"]?.string else { return nil }
        self.init(
            message, id: json["id"]?.string ?? "", category: json["category"]?.string, cmdlet: json["cmdlet"]?.string)
    }

    /// The line for people.
    package var line: String { Self.mark + TerminalText.plain(message) }

    /// What the line of an error begins with.
    package static let mark = "ERROR: "

    /// The lines of several, each once.
    package static func lines(_ errors: [ReportedError]) -> [String] { RepeatedLines.counted(errors.map(\.line)) }

    /// Several errors as the one that a program is told beside the output.
    /// - Returns: nil where there are none.
    package static func summary(_ errors: [ReportedError]) -> MMError? {
        guard let first = errors.first else { return nil }
        return MMError(
            first.category == "ObjectNotFound" ? .notFound : .remoteFailed,
            errors.count == 1
                ? first.message : "\(first.message) (and \(errors.count - 1) more errors; the script went on)",
            details: ["errors": .array(errors.prefix(most).map { .object($0.json) })])
    }
}
