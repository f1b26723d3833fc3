import MMCore

/// Where the pools of single connections live: a folder for each, which only its own pool can see.
struct IsolatedPlace: Sendable {
    /// The folder of them all.
    let root: String
    /// Where the usual logs lie.
    private let logs: String
    /// Where sockets lie whose paths would be too long in the folders themselves.
    private let runtime: String

    /// The longest path that fits into a Unix socket's address (unix(7)), its end included.
    private static let longestSocket = 107

    /// The places of a user.
    init(_ paths: StatePaths) {
        root = paths.isolatedDirectory
        logs = paths.logDirectory
        runtime = paths.runtimeDirectory
    }

    /// The name of a connection's folder: two connections never share one, whatever their names.
    static func folderName(_ connection: String) -> String {
        let digest = Hex.text(SHA256.digest(connection.utf8).prefix(4))
        return "\(StatePaths.safeName(connection).prefix(12))-\(digest)"
    }

    /// A connection's folder.
    func folder(_ connection: String) -> String { "\(root)/\(Self.folderName(connection))" }

    /// Its pool's home.
    func home(_ connection: String) -> String { folder(connection) + "/home" }

    /// Where its sessions make their own sockets.
    func run(_ connection: String) -> String { folder(connection) + "/run" }

    /// The socket of its pool.
    func socket(_ connection: String) -> String {
        let path = folder(connection) + "/pool.sock"
        if path.utf8.count < Self.longestSocket { return path }
        return "\(runtime)/isolated-\(Self.folderName(connection).suffix(8))/pool.sock"
    }

    /// Whether its pool had signed in sessions when it ended.
    func hasSessions(_ connection: String) -> Bool {
        let name = "sessions-\(StatePaths.safeName(connection)).json"
        guard let bytes = try? ProtectedFile.read("\(home(connection))/.m365-state/\(name)", limit: 16 << 20),
            let list = (try? JSONParser.parse(bytes))?.array
        else { return false }
        return !list.isEmpty
    }

    /// The log of its pool, and the name under which the owner finds it beside the other logs.
    func log(_ connection: String) -> (file: String, link: String) {
        let name = "session-pool-\(StatePaths.safeName(connection)).log"
        return ("\(home(connection))/.m365-logs/\(name)", "\(logs)/\(name)")
    }
}
