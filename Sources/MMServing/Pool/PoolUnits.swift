import MMCore

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
        "DOTNET_ROOT", "PATH",
    ]

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
        let variables = environment.sorted { $0.key < $1.key }.map {
            "Environment=\(Self.quoted("\($0.key)=\($0.value)", escapesDollar: false))"
        }
        let lines = variables.isEmpty ? "" : variables.joined(separator: "\n") + "\n"
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

    /// A word of a unit file: blanks kept, specifiers and variables not put in (systemd.syntax(7)). In `Environment=` a
    /// dollar sign is one (systemd.exec(5)).
    private static func quoted(_ text: String, escapesDollar: Bool = true) -> String {
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
