import Glibc

/// Where everything of a user lies, from the environment alone.
///
/// `MM_CONNECTIONS`, `MM_TOKEN_DIR`, `MM_STATE_DIR` and `MM_LOG_DIR` move single places; the rest follows `HOME`.
public struct StatePaths: Sendable, Hashable {
    /// The user's home folder.
    public var home: String
    /// The connection registry, `~/.m365-connections.json`.
    public var registry: String
    /// Token caches and pending sign-ins, `~/.mm-graph-tokens`.
    public var tokenDirectory: String
    /// What outlives a process: sessions, outputs, audit, pins; `~/.m365-state`.
    public var stateDirectory: String
    /// Logs, `~/.m365-logs`.
    public var logDirectory: String
    /// Sockets: `$XDG_RUNTIME_DIR/mm`, else `run` in the state folder.
    public var runtimeDirectory: String

    /// Everything of `mm` itself, which no script may reach: registry, tokens, ledger, logs, sockets.
    package var ownFiles: [String] { [registry, tokenDirectory, stateDirectory, logDirectory, runtimeDirectory] }

    /// The places that an environment names.
    public init(environment: [String: String]) {
        func named(_ key: String) -> String? {
            guard let path = environment[key], !path.isEmpty else { return nil }
            return path
        }
        let home = Self.withoutEnd(named("HOME") ?? Self.accountHome() ?? "/")
        func place(_ key: String, _ usual: String) -> String {
            guard let path = named(key) else { return Self.under(home, usual) }
            // Environment blocks of clients are no shell: nobody has put the home folder in for "~".
            if path == "~" { return home }
            if path.hasPrefix("~/") { return Self.withoutEnd(Self.under(home, String(path.dropFirst(2)))) }
            return Self.withoutEnd(path)
        }
        self.home = home
        self.registry = place("MM_CONNECTIONS", ".m365-connections.json")
        self.tokenDirectory = place("MM_TOKEN_DIR", ".mm-graph-tokens")
        let state = place("MM_STATE_DIR", ".m365-state")
        self.stateDirectory = state
        self.logDirectory = place("MM_LOG_DIR", ".m365-logs")
        let runtime = named("XDG_RUNTIME_DIR").flatMap { $0.hasPrefix("/") ? $0 : nil }
        self.runtimeDirectory = runtime.map { Self.under(Self.withoutEnd($0), "mm") } ?? Self.under(state, "run")
    }

    /// Stored answers.
    package var outputDirectory: String { Self.under(stateDirectory, "outputs") }
    /// The audit chain.
    public var auditLog: String { Self.under(stateDirectory, "audit.jsonl") }
    /// Identities that connections were pinned to after their first sign-in.
    package var pinFile: String { Self.under(stateDirectory, "pins.json") }
    /// The slow hash of the PIN that a person confirms with, and the wrong tries.
    package var confirmationPIN: String { Self.under(stateDirectory, "confirmation-pin.json") }
    /// The public keys of the security keys that a person confirms with.
    package var securityKeys: String { Self.under(stateDirectory, "security-keys.json") }
    /// Requests that wait for a person's confirmation.
    package var confirmationLedger: String { Self.under(stateDirectory, "confirmations.json") }
    /// The folder of the pools that serve one connection each: a folder for each pool, which holds its `home`.
    package var isolatedDirectory: String { Self.under(stateDirectory, "isolated") }
    /// The name that this home's front-ends give themselves at pools.
    package var frontEndName: String { Self.under(stateDirectory, "front-end-name") }
    /// Where a running sandbox tenant listens.
    package var sandboxFile: String { Self.under(stateDirectory, "sandbox.json") }
    /// Before which times nothing is sent to services that asked to slow down.
    package var throttleFile: String { Self.under(stateDirectory, "throttling.json") }
    /// The pool's socket.
    package var poolSocket: String { Self.under(runtimeDirectory, "pool.sock") }

    /// The pool's log as text lines: of one connection in isolated mode, else the unified one.
    package func poolLog(of connection: String? = nil) -> String {
        Self.under(logDirectory, "session-pool-\(Self.safeName(connection ?? "unified")).log")
    }

    /// The sessions to bring back after a restart: of one connection in isolated mode, else all.
    package func sessionsFile(of connection: String? = nil) -> String {
        Self.under(stateDirectory, "sessions-\(Self.safeName(connection ?? "unified")).json")
    }

    /// A name as a part of a file name: what is no ASCII letter, digit, `_` or `-` becomes `_`.
    ///
    /// Two names may become one; where that matters, add a digest of the name.
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

    private static func under(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }

    private static func withoutEnd(_ path: String) -> String {
        var path = path
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// The home folder of the account, for environments without `HOME` (services).
    private static func accountHome() -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            guard let start = buffer.baseAddress,
                getpwuid_r(getuid(), &entry, start, buffer.count, &found) == 0, found != nil, let home = entry.pw_dir
            else { return nil }
            return String(cString: home)
        }
    }
}
