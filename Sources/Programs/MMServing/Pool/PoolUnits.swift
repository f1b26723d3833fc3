import MMCore
import MMOperations

/// The pool as a service of systemd: a socket that starts it when somebody connects, and the service behind it.
struct PoolUnits: Sendable {
    /// The socket's path.
    let socket: String
    /// `mm`.
    let program: String
    /// Variables that move a user's files; a service gets none of the terminal's.
    let environment: [String: String]

    /// The variables that a pool is told of its user's files.
    static let passed = [
        "MM_CONNECTIONS", "MM_TOKEN_DIR", "MM_STATE_DIR", "MM_LOG_DIR", "MM_LOG_LEVEL", "MM_POOL_IDLE", "MM_POOL_DRAIN",
        "MM_PWSH", "PWSH_PATH", "MM_GUARD_RULES", "MM_SEND_GUARDS", "MM_SANDBOX", "MM_SANDBOX_URL", "PSModulePath",
        "DOTNET_ROOT", "PATH", AuditDestination.variable, AuditDestination.tokenVariable,
    ]

    /// Whether a service is told a variable: those of the user's files, and where telemetry goes; never secrets, since anybody
    /// who may read the unit would read them.
    private static func isPassed(_ name: String) -> Bool {
        passed.contains(name) || (name.hasPrefix("OTEL_") && !TelemetrySettings.isSecret(name))
    }

    /// The folder of a user's units.
    static func folder(_ environment: [String: String]) -> String {
        let home = StatePaths(environment: environment).home
        let configuration = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.config"
        return "\(configuration)/systemd/user"
    }

    /// `mm-pool.socket`.
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

    /// `mm-pool.service`.
    var serviceUnit: String {
        let lines = Self.variables(environment)
        return """
            [Unit]
            Description=Microsoft Master pool: signed-in sessions that outlive their clients
            Requires=mm-pool.socket
            After=mm-pool.socket

            [Service]
            ExecStart=\(Self.quoted(program)) pool serve --quiet
            ExecReload=/bin/kill -HUP $MAINPID
            Restart=on-failure
            TimeoutStopSec=60
            UMask=0077
            \(lines)
            [Install]
            WantedBy=default.target

            """
    }

    /// The lines that hand variables to a service.
    static func variables(_ environment: [String: String]) -> String {
        environment.sorted { $0.key < $1.key }
            .map { "Environment=\(quoted("\($0.key)=\($0.value)", escapesDollar: false))\n" }.joined()
    }

    /// Those of a process that its services must have to find the same files.
    static func passed(from environment: [String: String]) -> [String: String] {
        environment.filter { isPassed($0.key) && !$0.value.isEmpty }
    }

    /// A word of a unit file: blanks kept, specifiers and variables not put in (systemd.syntax(7)). In `Environment=` a
    /// dollar sign is one (systemd.exec(5)).
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
