import MMCore
import MMSystem

/// The units of a user's systemd: writes, enables and removes them. It doesn't know their purpose.
struct UserUnits: Sendable {
    /// The environment of the process.
    let environment: [String: String]

    /// The folder of the units.
    var folder: String {
        let home = StatePaths(environment: environment).home
        let configuration = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.config"
        return "\(configuration)/systemd/user"
    }

    /// Writes the units that are missing or have changed, and enables one of them if systemd runs for this user.
    /// - Parameter preparing: what has to be done before systemd starts that unit.
    /// - Returns: what was done, for people; and whether systemd runs for this user.
    func install(
        _ units: [(name: String, text: String)], enabling enabled: String,
        preparing: () async throws(MMError) -> Void = {}
    ) async throws(MMError) -> (lines: [String], isManaged: Bool) {
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
        let isManaged = await isManaged()
        if isManaged {
            try await systemctl(["daemon-reload"])
            if await !isActive(enabled) { try await preparing() }
            try await systemctl(["enable", "--now", enabled])
            for name in written where name != enabled {
                guard await isActive(name) else { continue }
                lines.append("What runs keeps its earlier settings until you run: systemctl --user restart \(name)")
            }
        }
        return (lines, isManaged)
    }

    /// Stops and disables units, and removes units.
    /// - Returns: what was done, for people.
    func remove(_ names: [String], disabling enabled: [String]) async throws(MMError) -> [String] {
        let isManaged = await isManaged()
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

    private func systemctl(_ words: [String]) async throws(MMError) {
        guard let program = ExecutableSearch.find("systemctl", in: environment) else {
            throw MMError(.unsupported, "systemctl was not found.")
        }
        let outcome = try await ChildProcess.run(
            ChildCommand(program, ["--user"] + words, environment: environment), timeout: .seconds(30))
        guard outcome.exit.code == 0 else {
            let text = String(decoding: outcome.error.prefix(500), as: UTF8.self)
            throw MMError(.remoteFailed, "systemctl --user \(words.joined(separator: " ")) failed: \(text)")
        }
    }
}
