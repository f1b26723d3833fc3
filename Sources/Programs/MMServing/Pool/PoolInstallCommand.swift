import Glibc
import MMCLI
import MMCore
import MMOperations
import MMPool

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
                environment: PoolUnits.passed(from: environment))
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

    private var place: UserUnits { UserUnits(environment: environment) }

    /// Writes what is not there yet.
    /// - Returns: what was done, for people.
    func install() async throws(MMError) -> [String] {
        var lines = try place.write([("mm-pool.socket", units.socketUnit), ("mm-pool.service", units.serviceUnit)])
        guard await place.isManaged() else {
            lines.append(
                "This machine has no systemd that serves this user, so the units do nothing here. They are not needed: "
                    + "`mm` and `mm-mcp` start the pool themselves. Another supervisor can run: \(units.program) pool serve"
            )
            return lines
        }
        try await place.systemctl(["daemon-reload"])
        try await place.systemctl(["enable", "--now", "mm-pool.socket"])
        lines.append("systemd listens at \(units.socket) and starts the pool when a program connects.")
        lines.append("For sessions that outlive your login: loginctl enable-linger")
        return lines
    }

    /// Removes them again.
    func remove() async throws(MMError) -> [String] {
        if await place.isManaged() {
            _ = try? await place.systemctl(["disable", "--now", "mm-pool.socket", "mm-pool.service"])
        }
        return try place.remove(["mm-pool.socket", "mm-pool.service"])
    }
}
