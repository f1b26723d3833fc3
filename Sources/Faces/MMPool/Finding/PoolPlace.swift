import Glibc
package import MMCore
import MMSystem

/// The files and addresses by which the pool is found: one pool for each set of registry, tokens, state and logs.
///
/// The record and the locks lie in the state folder, which is the same for every program of the user. The socket lies
/// in the runtime folder if there is one, and the record names it.
package struct PoolPlace: Sendable {
    /// The user's files.
    package let paths: StatePaths
    /// Distinguishes this set of files from others.
    package let key: String
    /// The name of its files: `pool`, or one with the key for files that aren't in the usual places.
    package let name: String

    /// Variables that change what operations do: different values mean a different pool.
    private static let deciding = [
        "MM_GUARD_RULES", "MM_SEND_GUARDS", "MM_SHELLS", "MM_TOOLS_DIR", "MM_TOKEN_FILE", "MM_SANDBOX",
        "MM_SANDBOX_URL", "MM_PWSH", "PWSH_PATH",
    ]

    /// Creates the place of the pool for an environment.
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

    /// The file in which the running pool describes itself.
    package var record: String { "\(paths.stateDirectory)/\(name).json" }
    /// The lock that the pool holds as long as it accepts calls.
    package var life: String { "\(paths.stateDirectory)/\(name)" }
    /// The lock that front-ends hold while they start a pool.
    package var start: String { "\(paths.stateDirectory)/\(name)-start" }
    /// The folder in which pools record the processes that they have started.
    package var children: String { "\(paths.stateDirectory)/\(name)-children" }
    /// The pool's log for unexpected errors.
    package var errorLog: String { "\(paths.logDirectory)/\(name)-errors.log" }

    /// The socket paths at which a pool may listen, best first. The first name may be taken by another set of files of
    /// the user, or by another home that shares the runtime folder.
    package var sockets: [String] {
        var folders: [String] = []
        let runtime = paths.runtimeDirectory
        // A runtime folder that the login didn't create (su, cron) must not be created here.
        if let above = runtime.lastIndex(of: "/"), Self.isOwn(String(runtime[..<above])) { folders.append(runtime) }
        if folders.isEmpty || runtime != "\(paths.stateDirectory)/run" { folders.append("\(paths.stateDirectory)/run") }
        let named = folders.flatMap { ["\($0)/\(name).sock", "\($0)/\(name)-\(key).sock"] }
        // Other programs' clients can't connect to a path that is too long for a socket address.
        let fitting = named.filter { $0.utf8.count <= 100 }
        return fitting + ["/tmp/mm-\(geteuid())/pool-\(key).sock"]
    }

    /// Returns whether a folder is a real folder, no link, and belongs to this user.
    private static func isOwn(_ folder: String) -> Bool {
        var status = stat()
        return lstat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid()
    }

    /// Returns whether only this user can have created a socket there, because its folder is accessible to no one else.
    package static func isSafe(_ socket: String) -> Bool {
        guard let slash = socket.lastIndex(of: "/") else { return false }
        var status = stat()
        return lstat(String(socket[..<slash]), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            && status.st_uid == geteuid() && status.st_mode & 0o077 == 0
    }
}
