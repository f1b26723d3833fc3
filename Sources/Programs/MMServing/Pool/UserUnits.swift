import MMCore
import MMSystem

/// The units of a user's systemd: writes, enables and removes them. It doesn't know their purpose.
struct UserUnits: Sendable {
    /// The environment of the process.
    let environment: [String: String]

    private var home: String { StatePaths(environment: environment).home }

    /// The folder of the units, by the environment of the process.
    var folder: String {
        let configuration = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.config"
        return "\(configuration)/systemd/user"
    }

    /// Returns the folder in which systemd, which has another environment, looks for this user's units; `nil` if it
    /// doesn't run for this user.
    /// - Throws: `unsupported` if that is in another home, whose units may have the same names.
    private func managedFolder() async throws(MMError) -> String? {
        guard let answer = try? await systemctl(["show", "--property=UnitPath", "--value"]) else { return nil }
        // The folders for units of the control commands and of generators, which come before, have other names.
        let looked = answer.split(whereSeparator: \.isWhitespace).map(String.init)
            .filter { $0.hasSuffix("/systemd/user") }
        guard let first = looked.first, !looked.contains(folder) else { return folder }
        guard first.hasPrefix(home + "/") else {
            throw MMError(
                .unsupported, "systemd looks for your units in \(first), not in \(folder).",
                hint: "Set HOME as at your login. For files in other places, set MM_STATE_DIR and others.")
        }
        return first
    }

    /// Writes the units that are missing or have changed, and enables one of them if systemd runs for this user.
    /// - Parameter preparing: what has to be done before systemd starts that unit.
    /// - Returns: what was done, for people; and whether systemd runs for this user.
    func install(
        _ units: [(name: String, text: String)], enabling enabled: String,
        preparing: () async throws(MMError) -> Void = {}
    ) async throws(MMError) -> (lines: [String], isManaged: Bool) {
        let managed = try await managedFolder()
        let folder = managed ?? self.folder
        var lines: [String] = []
        var written: [String] = []
        for (name, text) in units {
            let path = "\(folder)/\(name)"
            let bytes = Array(text.utf8)
            if try ProtectedFile.read(path) == bytes {
                lines.append("\(path) is up to date.")
            } else {
                try ProtectedFile.replace(path, with: bytes)
                lines.append("Wrote \(path).")
                written.append(name)
            }
        }
        if managed != nil {
            try await systemctl(["daemon-reload"])
            if await !isActive(enabled) { try await preparing() }
            try await systemctl(["enable", "--now", enabled])
            for name in written where name != enabled {
                guard await isActive(name) else { continue }
                lines.append("What runs keeps its earlier settings until you run: systemctl --user restart \(name)")
            }
        }
        return (lines, managed != nil)
    }

    /// Stops and disables units, and removes units.
    /// - Returns: what was done, for people.
    func remove(_ names: [String], disabling enabled: [String]) async throws(MMError) -> [String] {
        let managed = try await managedFolder()
        let (folder, isManaged) = (managed ?? self.folder, managed != nil)
        // It fails if there are no such units.
        let isDisabled = isManaged ? (try? await systemctl(["disable", "--now"] + enabled)) != nil : false
        var lines: [String] = []
        for name in names where try ProtectedFile.read("\(folder)/\(name)") != nil {
            try ProtectedFile.remove("\(folder)/\(name)")
            lines.append("Removed \(folder)/\(name).")
        }
        if isManaged {
            try await systemctl(["daemon-reload"])
            // A unit that failed would be listed until the end of the login. There may be none of these.
            _ = try? await systemctl(["reset-failed"] + names)
        }
        guard lines.isEmpty else { return lines }
        // Those of a package are in another folder.
        return [isDisabled ? "Disabled \(enabled.joined(separator: " and "))." : "Nothing was installed."]
    }

    /// Whether systemd runs for this user.
    func isManaged() async -> Bool {
        (try? await systemctl(["show-environment"])) != nil
    }

    /// Whether a unit works: its socket is listened at, its timer runs.
    func isActive(_ unit: String) async -> Bool {
        (try? await systemctl(["is-active", unit])) != nil
    }

    /// Whether systemd has given a unit up.
    func isFailed(_ unit: String) async -> Bool {
        (try? await systemctl(["is-failed", unit])) != nil
    }

    /// Returns the output of `systemctl`.
    @discardableResult
    private func systemctl(_ words: [String]) async throws(MMError) -> String {
        guard let program = ExecutableSearch.find("systemctl", in: environment) else {
            throw MMError(.unsupported, "systemctl was not found.")
        }
        let outcome = try await ChildProcess.run(
            ChildCommand(program, ["--user"] + words, environment: environment), timeout: .seconds(30))
        guard outcome.exit.code == 0 else {
            let text = String(decoding: outcome.error.prefix(500), as: UTF8.self)
            throw MMError(.remoteFailed, "systemctl --user \(words.joined(separator: " ")) failed: \(text)")
        }
        return String(decoding: outcome.output, as: UTF8.self)
    }
}
