/// The locations of a user's files, derived from the environment alone.
///
/// `MM_CONNECTIONS`, `MM_TOKEN_DIR`, `MM_STATE_DIR`, `MM_LOG_DIR` and `MM_TOOLS_DIR` override single locations; the
/// rest follow `HOME`.
public struct StatePaths: Sendable, Hashable {
    /// The user's home folder.
    public var home: String
    /// The connection registry, `~/.m365-connections.json`.
    public var registry: String
    /// Token caches and pending sign-ins, `~/.mm-graph-tokens`.
    package var tokenDirectory: String
    /// State that outlives a process: sessions, outputs, audit, pins; `~/.m365-state`.
    package var stateDirectory: String
    /// Logs, `~/.m365-logs`.
    package var logDirectory: String
    /// The user's own tools: `$XDG_CONFIG_HOME/mm/tools`, else `~/.config/mm/tools`.
    package var toolsDirectory: String
    /// Sockets: `$XDG_RUNTIME_DIR/mm`, else `run` in the state folder.
    package var runtimeDirectory: String

    /// The file with the key that encrypts token caches: `MM_TOKEN_KEY_FILE`, else the systemd credential that
    /// `MM_TOKEN_KEY_CREDENTIAL` names; `nil` when they are in MSAL's plain format.
    package var tokenKeyFile: String?

    /// Returns the token cache of another program that a connection shares: the one in the connection's entry,
    /// otherwise `MM_TOKEN_FILE`; `nil` if the connection has a cache of its own.
    package func sharedTokenCache(of connection: Connection, environment: [String: String]) -> String? {
        let named = connection.tokenCache ?? environment["MM_TOKEN_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        return named.map { Self.absolute($0, home: home) }
    }

    /// The files and folders of `mm` itself, which no script may reach: registry, tokens, ledger, logs, sockets.
    package var ownFiles: [String] {
        [registry, tokenDirectory, stateDirectory, logDirectory, toolsDirectory, runtimeDirectory]
            + [tokenKeyFile].compactMap(\.self)
    }

    /// Derives the locations from an environment.
    /// - Parameter environment: the variables; by default those of this process.
    public init(environment: [String: String] = ProcessEnvironment.read()) {
        func named(_ key: String) -> String? {
            guard let path = environment[key], !path.isEmpty else { return nil }
            return path
        }
        let home = Self.withoutTrailingSlash(named("HOME") ?? ThisProcess.accountHome ?? "/")
        func place(_ key: String, _ usual: String) -> String {
            guard let path = named(key) else { return Self.join(home, usual) }
            return Self.withoutTrailingSlash(Self.absolute(path, home: home))
        }
        self.home = home
        self.registry = place("MM_CONNECTIONS", ".m365-connections.json")
        self.tokenDirectory = place("MM_TOKEN_DIR", ".mm-graph-tokens")
        let state = place("MM_STATE_DIR", ".m365-state")
        self.stateDirectory = state
        self.logDirectory = place("MM_LOG_DIR", ".m365-logs")
        let configuration = named("XDG_CONFIG_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
        self.toolsDirectory =
            named("MM_TOOLS_DIR") == nil
            ? Self.join(configuration ?? Self.join(home, ".config"), "mm/tools") : place("MM_TOOLS_DIR", "")
        let runtime = named("XDG_RUNTIME_DIR").flatMap { $0.hasPrefix("/") ? $0 : nil }
        let credential = named("MM_TOKEN_KEY_CREDENTIAL").map {
            Self.join(named("CREDENTIALS_DIRECTORY") ?? "/run/credentials", $0)
        }
        self.tokenKeyFile = named("MM_TOKEN_KEY_FILE") == nil ? credential : place("MM_TOKEN_KEY_FILE", "")
        self.runtimeDirectory =
            runtime.map { Self.join(Self.withoutTrailingSlash($0), "mm") } ?? Self.join(state, "run")
    }

    /// The folder with the progress of tool calls that wait for a confirmation.
    package var toolProgressDirectory: String { Self.join(stateDirectory, "tool-progress") }
    /// The folder of stored answers.
    package var outputDirectory: String { Self.join(stateDirectory, "outputs") }
    /// The audit log.
    package var auditLog: String { Self.join(stateDirectory, "audit.jsonl") }
    /// The identities that connections were pinned to after their first sign-in.
    package var pinFile: String { Self.join(stateDirectory, "pins.json") }
    /// The slow hash of the PIN that a person confirms with, and the count of wrong attempts.
    package var confirmationPIN: String { Self.join(stateDirectory, "confirmation-pin.json") }
    /// The public keys of the security keys that a person confirms with.
    package var securityKeys: String { Self.join(stateDirectory, "security-keys.json") }
    /// The requests that await a person's confirmation.
    package var confirmationLedger: String { Self.join(stateDirectory, "confirmations.json") }
    /// The folder of pools that serve one connection each; every pool has a folder of its own there, which holds its
    /// `home`.
    package var isolatedDirectory: String { Self.join(stateDirectory, "isolated") }

    /// Returns the name of the folder there of the pool that serves a connection; different connections never share
    /// one.
    package static func isolatedName(of connection: String) -> String {
        let digest = Hex.text(SHA256.digest(connection.utf8).prefix(4))
        return "\(safeName(connection).prefix(12))-\(digest)"
    }

    /// The name that this home's front-ends identify themselves with to pools.
    package var frontEndName: String { Self.join(stateDirectory, "front-end-name") }
    /// The address of a running sandbox tenant.
    package var sandboxFile: String { Self.join(stateDirectory, "sandbox.json") }
    /// The times before which nothing is sent to services that asked to slow down.
    package var throttleFile: String { Self.join(stateDirectory, "throttling.json") }

    /// Returns the path of a pool's text log: that of one connection in isolated mode, otherwise the unified one.
    package func poolLog(of connection: String? = nil) -> String {
        Self.join(logDirectory, "session-pool-\(Self.safeName(connection ?? "unified")).log")
    }

    /// Returns the path of the sessions to restore after a restart: those of one connection in isolated mode, otherwise
    /// all.
    package func sessionsFile(of connection: String? = nil) -> String {
        Self.join(stateDirectory, "sessions-\(Self.safeName(connection ?? "unified")).json")
    }

    /// Returns the path of the names of variables that scripts have set in those sessions.
    package func variablesFile(of connection: String? = nil) -> String {
        Self.join(stateDirectory, "variables-\(Self.safeName(connection ?? "unified")).json")
    }

    /// Returns the path of the last directories of the shells that such a pool has.
    package func shellsFile(of connection: String? = nil) -> String {
        Self.join(stateDirectory, "shells-\(Self.safeName(connection ?? "unified")).json")
    }

    /// Returns a name in a form that is safe in a file name: anything but ASCII letters, digits, `_` and `-` becomes
    /// `_`.
    ///
    /// Two names may collide; where that matters, add a digest of the name.
    package static func safeName(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { scalar in
                    switch scalar {
                    case "A"..."Z", "a"..."z", "0"..."9", "_", "-": scalar
                    default: "_"
                    }
                }))
    }

    /// Returns a path with a leading `~` replaced: MCP clients pass environment blocks literally, so no shell has
    /// expanded it.
    static func absolute(_ path: String, home: String) -> String {
        if path == "~" { return home }
        return path.hasPrefix("~/") ? join(home, String(path.dropFirst(2))) : path
    }

    private static func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }

    private static func withoutTrailingSlash(_ path: String) -> String {
        var path = path
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
