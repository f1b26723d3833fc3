import Glibc
package import MMCore
import MMSystem

/// Where the pool of a user's files is found: one pool for each set of registry, tokens, state and logs.
///
/// The record and the locks lie in the state folder, which is the same for every program of the user; the socket lies in
/// the runtime folder where there is one, and the record tells which.
package struct PoolPlace: Sendable {
    /// The user's files.
    package let paths: StatePaths
    /// Tells this set of files from others.
    package let key: String
    private let name: String

    /// Variables that change what operations do: who sets them differently means another pool.
    private static let deciding = [
        "MM_GUARD_RULES", "MM_SEND_GUARDS", "MM_SANDBOX", "MM_SANDBOX_URL", "MM_PWSH", "PWSH_PATH",
    ]

    /// The place of the pool for an environment.
    package init(environment: [String: String]) {
        paths = StatePaths(environment: environment)
        let usual = StatePaths(environment: ["HOME": paths.home])
        let settings = Self.deciding.map { environment[$0] ?? "" }
        let all = Self.files(paths) + settings
        key = Hex.text(SHA256.digest(Array(all.joined(separator: "\u{0}").utf8)).prefix(6))
        let isUsual = Self.files(paths) == Self.files(usual) && settings.allSatisfy(\.isEmpty)
        name = isUsual ? "pool" : "pool-\(key)"
    }

    private static func files(_ paths: StatePaths) -> [String] {
        [paths.registry, paths.tokenDirectory, paths.stateDirectory, paths.logDirectory]
    }

    /// What the running pool tells of itself.
    package var record: String { "\(paths.stateDirectory)/\(name).json" }
    /// What the pool holds a lock about as long as it takes calls.
    package var life: String { "\(paths.stateDirectory)/\(name)" }
    /// What front-ends hold a lock about while they start a pool.
    package var start: String { "\(paths.stateDirectory)/\(name)-start" }
    /// The folder in which pools write down the processes that they have started.
    package var children: String { "\(paths.stateDirectory)/\(name)-children" }
    /// Where the pool writes what nobody expected.
    package var errorLog: String { "\(paths.logDirectory)/\(name)-errors.log" }

    /// Where a pool may listen, best first. Another user's files, or another home that shares the runtime folder, may have
    /// the first name.
    package var sockets: [String] {
        var folders: [String] = []
        let runtime = paths.runtimeDirectory
        // A runtime folder that login did not make (su, cron) is not ours to make.
        if let above = runtime.lastIndex(of: "/"), Self.isOwn(String(runtime[..<above])) { folders.append(runtime) }
        if folders.isEmpty || runtime != "\(paths.stateDirectory)/run" { folders.append("\(paths.stateDirectory)/run") }
        let named = folders.flatMap { ["\($0)/\(name).sock", "\($0)/\(name)-\(key).sock"] }
        // Clients that are not ours can't reach a path that does not fit a socket's address.
        let fitting = named.filter { $0.utf8.count <= 100 }
        return fitting + ["/tmp/mm-\(geteuid())/pool-\(key).sock"]
    }

    /// Whether a folder is a real one of this user.
    package static func isOwn(_ folder: String) -> Bool {
        var status = stat()
        return lstat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid()
    }

    /// Whether nobody else can have put a socket there: its folder is ours alone.
    package static func isSafe(_ socket: String) -> Bool {
        guard let slash = socket.lastIndex(of: "/") else { return false }
        var status = stat()
        return lstat(String(socket[..<slash]), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            && status.st_uid == geteuid() && status.st_mode & 0o077 == 0
    }
}
