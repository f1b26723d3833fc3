import MMCore
import MMOperations
import MMSystem

/// The units of a user's systemd: written, removed, and handed to systemctl. Nothing here knows what they are for.
struct UserUnits: Sendable {
    /// The environment of the process.
    let environment: [String: String]

    /// The folder of the units.
    var folder: String { PoolUnits.folder(environment) }

    /// Writes what is not there yet.
    /// - Returns: what was done, for people.
    func write(_ units: [(name: String, text: String)]) throws(MMError) -> [String] {
        var lines: [String] = []
        for (name, text) in units {
            let path = "\(folder)/\(name)"
            let bytes = Array(text.utf8)
            if try ProtectedFile.read(path) == bytes {
                lines.append("\(path) is as it should be.")
            } else {
                try ProtectedFile.replace(path, with: bytes)
                lines.append("Wrote \(path).")
            }
        }
        return lines
    }

    /// Removes units.
    /// - Returns: what was done, for people.
    func remove(_ names: [String]) throws(MMError) -> [String] {
        var lines: [String] = []
        for name in names where try ProtectedFile.read("\(folder)/\(name)") != nil {
            try ProtectedFile.remove("\(folder)/\(name)")
            lines.append("Removed \(folder)/\(name).")
        }
        return lines.isEmpty ? ["Nothing was installed."] : lines
    }

    /// Whether systemd serves this user.
    func isManaged() async -> Bool {
        (try? await systemctl(["show-environment"])) != nil
    }

    /// Asks systemd for something.
    func systemctl(_ words: [String]) async throws(MMError) {
        guard let program = ExecutableSearch.find("systemctl", path: environment["PATH"] ?? "/usr/bin:/bin") else {
            throw MMError(.unsupported, "There is no systemctl.")
        }
        let outcome = try await ChildProcess.run(
            ChildCommand(program, ["--user"] + words, environment: environment), timeout: .seconds(30))
        guard outcome.exit.code == 0 else {
            let text = String(decoding: outcome.error.prefix(500), as: UTF8.self)
            throw MMError(.remoteFailed, "systemctl --user \(words.joined(separator: " ")) failed: \(text)")
        }
    }
}
