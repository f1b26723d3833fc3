import Glibc

/// Finds everything about a registry file that its owner should know, as `mm connections check` shows it.
public enum RegistryCheck {
    /// Checks a registry file.
    /// - Parameter path: the path of the registry.
    /// - Returns: errors first, each kind in the file's order; empty when all is well.
    public static func problems(at path: String) -> [RegistryProblem] {
        var found = fileProblems(path)
        let registry = ConnectionRegistry(path: path)
        do throws(MMError) {
            guard let document = try registry.load() else {
                found.append(
                    RegistryProblem(
                        .warning, message: "There is no registry at \(path).",
                        hint: RegistrySnapshot.howToAdd))
                return found
            }
            found += repeatedKeys(registry)
            found += problems(of: try RegistrySnapshot(document: document, path: path))
        } catch {
            found.append(RegistryProblem(.error, message: error.message, hint: error.hint ?? ""))
        }
        return found.filter { $0.severity == .error } + found.filter { $0.severity == .warning }
    }

    /// Checks a registry that could be read.
    public static func problems(of snapshot: RegistrySnapshot) -> [RegistryProblem] {
        var found = snapshot.problems
        var spellings: [String: String] = [:]
        for name in snapshot.names {
            if let other = spellings.updateValue(name, forKey: name.lowercased()) {
                found.append(
                    warning(
                        name, nil, "Connections '\(other)' and '\(name)' differ only in case.",
                        "Rename one: mm connections rename."))
            }
            if name.contains("/") {
                found.append(
                    warning(
                        name, nil,
                        "The name '\(name)' contains a '/', which also separates connection and "
                            + "module in session names.",
                        "Rename it: mm connections rename."))
            }
        }
        for connection in snapshot.connections { found += warnings(of: connection) }
        if snapshot.names.isEmpty {
            found.append(
                RegistryProblem(
                    .warning, message: "The registry has no connections.",
                    hint: RegistrySnapshot.howToAdd))
        }
        return found
    }

    /// Returns a warning for each key that is nearly one of the project's own: whatever it was meant to restrict isn't
    /// restricted.
    static func misspeltKeys(of connection: Connection) -> [RegistryProblem] {
        func misspelt(_ keys: [String], _ known: [String], below holder: String = "") -> [RegistryProblem] {
            keys.compactMap { key in
                guard !known.contains(key), !ConnectionAuth.inlineSecrets.contains(key), !key.hasPrefix("_"),
                    !key.hasPrefix("x-"), let meant = NearestNames.of(key, among: known, limit: 1).first
                else { return nil }
                return warning(
                    connection.name, holder + key,
                    "'\(holder + key)' of connection '\(connection.name)' is unknown and has no effect.",
                    "Did you mean '\(holder + meant)'?")
            }
        }
        return misspelt(connection.raw.keys, knownKeys)
            + misspelt(connection.raw["auth"]?.object?.keys ?? [], ConnectionAuth.keys, below: "auth.")
    }

    private static func warnings(of connection: Connection) -> [RegistryProblem] {
        var found: [RegistryProblem] = []
        func warn(_ key: String?, _ text: String, _ hint: String) {
            found.append(warning(connection.name, key, text, hint))
        }
        let name = connection.name
        for key in ConnectionAuth.inlineSecrets where connection.raw[key] != nil {
            warn(
                key, "'\(key)' of connection '\(name)' looks like a secret and isn't used.",
                "Remove it from the file.")
        }
        if connection.authorityTenant == nil {
            warn(
                "tenant", "Connection '\(name)' has no tenant.",
                "Set one: mm connections edit \(ShellWord.quoted(name)) --tenant DOMAIN.")
        }
        if let id = connection.tenantId, !GUID.isValid(id) {
            warn(
                "tenantId", "'tenantId' of connection '\(name)' isn't a GUID.",
                "Copy it from the tenant's page in the portal.")
        }
        let personal = connection.auth.method == .device || connection.auth.method == .browser
        if personal, connection.expectedEmail == nil, connection.pin == nil {
            warn(
                "expectedEmail", "Connection '\(name)' accepts any account that signs in.",
                "Set the account: mm connections edit \(ShellWord.quoted(name)) --expected-email NAME.")
        }
        if connection.description == nil {
            warn(
                "description", "Connection '\(name)' has no description, so tools show only its name.",
                "Add one.")
        }
        if connection.mcps == [] {
            warn(
                "mcps", "Connection '\(name)' isn't available to any server ('mcps' is empty).",
                "Add servers, or leave out the key.")
        }
        if connection.skipSendGuards {
            warn(
                "skipSendGuards", "Connection '\(name)' sends mail and messages without confirmation.",
                "Remove it unless that is intended.")
        }
        if connection.legacyConfirm {
            warn(
                "legacyConfirm",
                "Connection '\(name)' allows clients of earlier servers to send messages with `confirmed: true`, without asking a person.",
                "Leave it out unless an old client needs it.")
        }
        return found
    }

    private static let knownKeys = Connection.knownKeys + ConnectionAuth.fieldNames

    private static func repeatedKeys(_ registry: ConnectionRegistry) -> [RegistryProblem] {
        do throws(MMError) {
            _ = try registry.load(duplicateKeys: .refuse)
            return []
        } catch {
            return [
                RegistryProblem(
                    .warning, message: error.message,
                    hint: "Only the last one is used. Remove one; until then, commands can't change the file.")
            ]
        }
    }

    private static func fileProblems(_ path: String) -> [RegistryProblem] {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o022 != 0 else {
            return []
        }
        return [
            RegistryProblem(
                .warning, message: "Other users can change \(path) (mode \(String(status.st_mode & 0o777, radix: 8))).",
                hint: "Remove the permission: chmod go-w \(ShellWord.quoted(path)).")
        ]
    }

    private static func warning(_ name: String, _ key: String?, _ text: String, _ hint: String) -> RegistryProblem {
        RegistryProblem(.warning, connection: name, key: key, message: text, hint: hint)
    }
}

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
    /// The hint for a command that writes the key: the missing part in the form of a command's arguments.
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
