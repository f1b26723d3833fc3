import MMCLI
import MMCore
import MMHTTP
import MMOperations
import MMPool
import MMSystem

/// The pool as a systemd service: a socket unit that starts it when a client connects, and the service unit.
struct PoolUnits: Sendable {
    /// The names of the units.
    let names: (socket: String, service: String)
    /// The socket's path.
    let socket: String
    /// The path of `mm`.
    let program: String
    /// The variables that a service needs, since it inherits none from the terminal.
    let environment: [String: String]
    /// How long running calls may continue once the pool is to end.
    let drainLimit: Duration

    /// Returns the names of a pool's two units: each set of files has its own, as it has its pool.
    static func names(of place: PoolPlace) -> (socket: String, service: String) {
        ("mm-\(place.name).socket", "mm-\(place.name).service")
    }

    /// The names of the variables that a pool needs to find and read its user's files, and to reach the network.
    private static let passed =
        [
            "MM_CONNECTIONS", "MM_TOKEN_DIR", "MM_TOKEN_FILE", "MM_TOKEN_KEY", "MM_TOKEN_KEY_FILE",
            "MM_TOKEN_ENCRYPTION", "MM_STATE_DIR", "MM_LOG_DIR", "MM_LOG_LEVEL", "MM_TOOLS_DIR", "XDG_CONFIG_HOME",
            "MM_SHELLS", "MM_POOL_IDLE", "MM_POOL_DRAIN", "MM_KEEP_SPARES", "MM_NOTIFY_COMMAND", "MM_PWSH", "PWSH_PATH",
            "MM_GUARD_RULES", "MM_SEND_GUARDS", "MM_SANDBOX", "MM_SANDBOX_URL", "PSModulePath", "DOTNET_ROOT", "PATH",
            "SSL_CERT_FILE",
        ] + AuditDestination.variables + ProxySettings.variables + ProxySettings.exceptionVariables

    /// Returns whether a service gets a variable: those of the user's files, the network and telemetry, but never
    /// secrets, since the unit file may be readable by others.
    private static func isPassed(_ name: String, _ value: String) -> Bool {
        // The address of a proxy may contain a password.
        if ProxySettings.variables.contains(name), value.contains("@") { return false }
        return passed.contains(name) || (name.hasPrefix("OTEL_") && !TelemetrySettings.isSecret(name))
    }

    /// Creates the units of an environment's pool, which finds the same files and proxy, although systemd gives it
    /// another environment.
    /// - Throws: `invalidInput` for a value with which the pool wouldn't start.
    static func own(_ environment: [String: String]) throws(MMError) -> PoolUnits {
        let (place, passed) = (PoolPlace(environment: environment), passed(from: environment))
        let words = try InputReader(operation: "pool serve", arguments: [:], fields: PoolServeOptions.fields)
        return PoolUnits(
            names: names(of: place), socket: place.sockets[0], program: OwnProgram.mm, environment: passed,
            drainLimit: try PoolServeOptions(words, environment: passed).drainLimit)
    }

    /// The text of the socket unit.
    var socketUnit: String {
        """
        [Unit]
        Description=Microsoft Master pool socket

        [Socket]
        ListenStream=\(Self.plain(socket))
        SocketMode=0600
        DirectoryMode=0700

        [Install]
        WantedBy=sockets.target

        """
    }

    /// The text of the service unit.
    ///
    /// Only the pool is told to end (`KillMode=`): it lets calls finish, whose programs must not end before. One that
    /// doesn't answer is killed by `mm pool stop --force`, and not started again for that (`SuccessExitStatus=`). Its
    /// sessions can be limited together (`Delegate=`), and one that the kernel kills for lack of memory doesn't end the
    /// others, as systemd otherwise would have it.
    var serviceUnit: String {
        let lines = Self.variables(environment)
        return """
            [Unit]
            Description=Microsoft Master pool: signed-in sessions that outlive their clients
            Requires=\(names.socket)
            After=\(names.socket)

            [Service]
            ExecStart=\(Self.quoted(program)) pool serve --quiet
            ExecReload=/bin/kill -HUP $MAINPID
            Restart=on-failure
            SuccessExitStatus=SIGKILL
            KillMode=mixed
            TimeoutStopSec=\(drainLimit.components.seconds + 40)
            Delegate=yes
            UMask=0077
            \(lines)
            [Install]
            WantedBy=default.target

            """
    }

    /// Returns the lines that pass variables to a service.
    static func variables(_ environment: [String: String]) -> String {
        environment.sorted { $0.key < $1.key }
            .map { "Environment=\(quoted("\($0.key)=\($0.value)", escapesDollar: false))\n" }.joined()
    }

    /// Returns the variables of a process that its services need to work as it does.
    static func passed(from environment: [String: String]) -> [String: String] {
        environment.filter { !$0.value.isEmpty && isPassed($0.key, $0.value) }
    }

    /// Quotes a word for a unit file: blanks are kept, and specifiers and variables are not expanded
    /// (systemd.syntax(7)). In `Environment=`, a dollar sign has no special meaning (systemd.exec(5)).
    static func quoted(_ text: String, escapesDollar: Bool = true) -> String {
        var quoted = "\""
        for character in text {
            switch character {
            case "\"", "\\": quoted += "\\\(character)"
            case "%": quoted += "%%"
            case "$" where escapesDollar: quoted += "$$"
            default: quoted.append(character)
            }
        }
        return quoted + "\""
    }

    private static func plain(_ path: String) -> String {
        path.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
    }
}

/// `mm pool install`: installs the pool as a systemd service.
enum PoolInstallCommand {
    static func command(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "install"], summary: "Let systemd start the pool when a program needs it.",
            discussion:
                "Writes mm-pool.socket and mm-pool.service for this user and enables the socket. Repeat it after a "
                + "change of variables that the pool is to have. For files in other places (MM_STATE_DIR and others) "
                + "the units have names of their own. Without systemd nothing needs to be installed: programs start "
                + "the pool themselves.",
            fields: [
                InputField("print", .flag, "Show the units instead of writing them."),
                InputField("remove", .flag, "Disable the socket and remove the units."),
            ],
            examples: [
                .init("mm pool install", "writes the units and enables the socket"),
                .init("mm pool install --print", "shows what would be written"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let units = try PoolUnits.own(environment)
            let names = units.names
            if try input.flag("print") {
                try streams.writeLine(
                    "# \(names.socket)\n\(units.socketUnit)\n# \(names.service)\n\(units.serviceUnit)")
                return 0
            }
            let place = UserUnits(environment: environment)
            let lines =
                try input.flag("remove")
                ? await place.remove([names.socket, names.service], disabling: [names.socket, names.service])
                : await install(units, in: place, beside: PoolFinder(environment: environment))
            streams.note(lines, options)
            return 0
        }
    }

    private static func install(
        _ units: PoolUnits, in place: UserUnits, beside finder: PoolFinder
    ) async throws(MMError) -> [String] {
        let names = units.names
        let (lines, isManaged) = try await place.install(
            [(names.socket, units.socketUnit), (names.service, units.serviceUnit)], enabling: names.socket
        ) { () async throws(MMError) in
            // Where it listens, systemd will, and the service can't start before it gives up its lock.
            guard let pool = try await finder.running(), await !finder.handOver(pool) else { return }
            throw MMError(
                .conflict,
                "The pool that runs (process \(pool.handshake.process.pid)) can't make way for the service: it has jobs "
                    + "to complete, or was not started by a program that needed it.",
                hint: "Stop it with `mm pool stop`, and repeat `mm pool install`.")
        }
        guard isManaged else {
            return lines + [
                "systemd is not available to this user, so the units have no effect. They are not needed: "
                    + "`mm` and `mm-mcp` start the pool themselves. Another supervisor can run: \(units.program) pool serve"
            ]
        }
        return lines + [
            "systemd listens at \(units.socket) and starts the pool when a program connects.",
            "For sessions that outlive your login: loginctl enable-linger",
        ]
    }
}
