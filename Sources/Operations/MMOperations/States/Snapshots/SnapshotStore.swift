import Glibc
package import MMCore

/// The snapshots in the state folder, by connection and time.
package struct SnapshotStore: Sendable {
    /// The default number of snapshots kept for a connection.
    package static let defaultLimit = 30

    /// The folder of the connection's snapshots.
    package let folder: String

    /// Whether a path is within this folder.
    package func holds(_ path: String) -> Bool { path.hasPrefix(folder + "/") }

    /// Returns the names of the connections that have snapshots, as recorded in the newest snapshot of each.
    package static func connections(_ paths: StatePaths) throws(MMError) -> [String] {
        let root = "\(paths.stateDirectory)/snapshots"
        var found: Set<String> = []
        for name in try FolderListing.names(in: root) {
            let store = SnapshotStore(folder: "\(root)/\(name)")
            guard let newest = try store.names().last, let folder = try? SnapshotFolder(store.path(of: newest)) else {
                continue
            }
            found.insert(folder.header.connection)
        }
        return found.sorted()
    }

    private init(folder: String) { self.folder = folder }

    /// Creates the store of a connection's snapshots.
    package init(paths: StatePaths, connection: String) {
        let digest = Hex.text(SHA256.digest(connection.utf8).prefix(4))
        folder = "\(paths.stateDirectory)/snapshots/\(StatePaths.safeName(connection))-\(digest)"
    }

    /// Returns a destination for a new snapshot, named after the time.
    package func newPlace(at time: Timestamp) throws(MMError) -> SnapshotDestination {
        try ProtectedFile.makeDirectory(folder)
        let name = time.iso8601.replacing(":", with: "-")
        var number = 1
        while true {
            let place = "\(folder)/\(name)" + (number == 1 ? "" : "-\(number)")
            if let claim = try SnapshotClaim.take(place) { return SnapshotDestination(claim) }
            number += 1
        }
    }

    /// Returns a destination for a temporary snapshot, which the caller removes.
    package func temporaryPlace() throws(MMError) -> SnapshotDestination {
        try ProtectedFile.makeDirectory(folder)
        return SnapshotDestination("\(folder)/\(Self.temporary)\(getpid())-\(RandomBytes.uuid())")
    }

    /// Removes a destination with its contents.
    package static func remove(_ place: SnapshotDestination) {
        try? SnapshotFiles.removeTree(place.folder)
    }

    /// Returns the names of the snapshots, the oldest first.
    package func names() throws(MMError) -> [String] {
        try FolderListing.names(in: folder)
            .filter { !$0.hasPrefix(".") && SnapshotFolder.exists("\(folder)/\($0)") }
            .sorted { Self.order($0) < Self.order($1) }
    }

    /// Returns the folder of the snapshot with a name.
    package func path(of name: String) -> String { "\(folder)/\(name)" }

    /// Returns the folder of a snapshot.
    /// - Parameter word: `latest`, or the beginning of a name that only one snapshot has.
    /// - Throws: `notFound` with the names that exist.
    package func find(_ word: String) throws(MMError) -> String {
        let names = try names()
        guard let newest = names.last else {
            throw MMError(.notFound, "There is no snapshot yet.", hint: "Take one: mm snapshot take CONNECTION")
        }
        if word.lowercased() == "latest" { return path(of: newest) }
        let wanted = word.replacing(":", with: "-").uppercased()
        let found = names.filter { $0.uppercased() == wanted }
        let near = found.isEmpty ? names.filter { $0.uppercased().hasPrefix(wanted) } : found
        guard let name = near.first, near.count == 1, !wanted.isEmpty else {
            throw MMError(
                .notFound,
                near.isEmpty
                    ? "There is no snapshot “\(word.prefix(60))”."
                    : "\(near.count) snapshots start with “\(word.prefix(60))”.",
                hint: "The newest: \(names.suffix(10).joined(separator: ", ")); `mm snapshot list` shows all.")
        }
        return path(of: name)
    }

    /// Removes the oldest snapshots, and the leftovers of killed processes.
    /// - Parameters:
    ///   - limit: the number of snapshots that stay.
    ///   - place: the one just taken, which stays even if the clock was ahead when the others were taken.
    package func keep(_ limit: Int, with place: SnapshotDestination) throws(MMError) {
        let names = try names()
        let others = names.filter { path(of: $0) != place.folder }
        for name in others.dropLast(limit - 1) { try SnapshotFiles.removeTree(path(of: name)) }
        for name in try FolderListing.names(in: folder) where !names.contains(name) {
            let leftover = path(of: name)
            // A process that writes to it holds its lock; one that reads its temporary snapshot is still running.
            guard SnapshotFiles.isFolder(leftover), !SnapshotLock.isHeld(leftover), !Self.isInUse(name)
            else { continue }
            try? SnapshotFiles.removeTree(leftover)
        }
    }

    private static let temporary = ".now-"

    /// Whether the process that made a temporary snapshot is still running.
    private static func isInUse(_ name: String) -> Bool {
        guard name.hasPrefix(temporary), let process = pid_t(name.dropFirst(temporary.count).prefix { $0 != "-" })
        else {
            return false
        }
        return kill(process, 0) == 0 || errno != ESRCH
    }

    /// Returns a sort key. Names of the same second are numbered: `…Z`, `…Z-2`, `…Z-10`.
    private static func order(_ name: String) -> String {
        guard let mark = name.firstIndex(of: "Z"), let number = Int(name[mark...].dropFirst(2)) else {
            return name + "-00001"
        }
        let digits = String(number)
        return name[...mark] + "-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
