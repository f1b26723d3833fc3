import Glibc
import MMCLI
import MMCore
import MMOperations
import MMSystem

/// `mm pool install`: the pool as a service of systemd.
enum PoolInstallCommand {
    static func command(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "install"], summary: "Let systemd start the pool when a program needs it.",
            discussion:
                "Writes mm-pool.socket and mm-pool.service for this user and switches the socket on. Nothing changes where "
                + "they exist already. Without systemd nothing needs to be installed: programs "
                + "start the pool themselves.",
            fields: [
                InputField("print", .flag, "Show the units instead of writing them."),
                InputField("remove", .flag, "Switch the socket off and remove the units."),
            ],
            examples: [
                .init("mm pool install", "writes the units, switches the socket on"),
                .init("mm pool install --print", "shows what would be written"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let place = PoolPlace(environment: environment)
            // The service must find the same files in the environment that systemd gives it.
            let units = PoolUnits(
                socket: place.sockets[0], program: OwnProgram.mm,
                environment: environment.filter { PoolUnits.passed.contains($0.key) && !$0.value.isEmpty })
            if try input.flag("print") {
                try streams.writeLine("# mm-pool.socket\n\(units.socketUnit)\n# mm-pool.service\n\(units.serviceUnit)")
                return 0
            }
            let installer = PoolInstaller(units: units, environment: environment)
            let lines = try await input.flag("remove") ? installer.remove() : installer.install()
            if !options.quiet { for line in lines { streams.note(line) } }
            return 0
        }
    }
}

/// Writes the units and has systemd read them.
struct PoolInstaller: Sendable {
    let units: PoolUnits
    let environment: [String: String]

    private var folder: String { PoolUnits.folder(environment) }

    /// Writes what is not there yet.
    /// - Returns: what was done, for people.
    func install() async throws(MMError) -> [String] {
        var lines: [String] = []
        for (name, text) in [("mm-pool.socket", units.socketUnit), ("mm-pool.service", units.serviceUnit)] {
            let path = "\(folder)/\(name)"
            let bytes = Array(text.utf8)
            if try ProtectedFile.read(path) == bytes {
                lines.append("\(path) is as it should be.")
            } else {
                try ProtectedFile.replace(path, with: bytes)
                lines.append("Wrote \(path).")
            }
        }
        guard await isManaged() else {
            lines.append(
                "This machine has no systemd that serves this user, so the units do nothing here. They are not needed: "
                    + "`mm` and `mm-mcp` start the pool themselves. Another supervisor can run: \(units.program) pool serve"
            )
            return lines
        }
        try await systemctl(["daemon-reload"])
        try await systemctl(["enable", "--now", "mm-pool.socket"])
        lines.append("systemd listens at \(units.socket) and starts the pool when a program connects.")
        lines.append("For sessions that outlive your login: loginctl enable-linger")
        return lines
    }

    /// Removes them again.
    func remove() async throws(MMError) -> [String] {
        if await isManaged() {
            _ = try? await systemctl(["disable", "--now", "mm-pool.socket", "mm-pool.service"])
        }
        var lines: [String] = []
        for name in ["mm-pool.socket", "mm-pool.service"] where try ProtectedFile.read("\(folder)/\(name)") != nil {
            try ProtectedFile.remove("\(folder)/\(name)")
            lines.append("Removed \(folder)/\(name).")
        }
        return lines.isEmpty ? ["Nothing was installed."] : lines
    }

    private func isManaged() async -> Bool {
        (try? await systemctl(["show-environment"])) != nil
    }

    private func systemctl(_ words: [String]) async throws(MMError) {
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
