/// A problem in the registry that a person should look at.
public struct RegistryProblem: Sendable, Hashable {
    /// The severity of a problem.
    public enum Severity: String, Sendable {
        /// The connection can't be used.
        case error
        /// The connection works, but probably not as intended.
        case warning
    }

    /// The severity.
    public let severity: Severity
    /// The connection concerned; `nil` for the file as a whole.
    public let connection: String?
    /// The key concerned.
    public let key: String?
    /// What is wrong.
    public let message: String
    /// What to do.
    public let hint: String
    /// What a command that writes the key is told instead: the missing part in the form of a command's words.
    let commandHint: String?

    package init(
        _ severity: Severity, connection: String? = nil, key: String? = nil, message: String, hint: String,
        commandHint: String? = nil
    ) {
        self.severity = severity
        self.connection = connection
        self.key = key
        self.message = message
        self.hint = hint
        self.commandHint = commandHint
    }

    /// The problem as JSON, for `--json`.
    package var json: JSONObject {
        var object: JSONObject = ["severity": .string(severity.rawValue)]
        object["connection"] = connection.map { .string($0) }
        object["key"] = key.map { .string($0) }
        object["message"] = .string(message)
        object["hint"] = .string(hint)
        return object
    }

    /// The problem as an error, for a call that uses the connection.
    var error: MMError { error(hint) }

    /// The problem as an error, for a command that would write it.
    var commandError: MMError { error(commandHint ?? hint) }

    private func error(_ hint: String) -> MMError {
        var details: JSONObject = [:]
        details["connection"] = connection.map { .string($0) }
        details["key"] = key.map { .string($0) }
        return MMError(.invalidInput, message, hint: hint, details: details)
    }
}
