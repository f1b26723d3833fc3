import Glibc
package import MMCore

/// A folder that a snapshot is written to. The snapshot is written to a staging folder inside and moved into place as a
/// whole. If the process is killed, the old snapshot stays, or the next process that opens the folder finishes the
/// move.
package struct SnapshotDestination: Sendable {
    /// The folder, absolute.
    package let folder: String
    /// The hold on a folder that was made for this snapshot.
    private let claim: SnapshotClaim?

    private var stage: String { folder + "/.mm-snapshot" }
    private var written: String { stage + "/new" }
    private var replaced: String { stage + "/old" }
    private var complete: String { stage + "/complete" }

    /// Creates the destination of a folder, which need not exist.
    package init(_ folder: String) {
        var folder = folder
        while folder.utf8.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        self.folder = folder
        claim = nil
    }

    /// Creates the destination of a folder that was made for it.
    init(_ claim: SnapshotClaim) {
        folder = claim.folder
        self.claim = claim
    }

    /// Writes a snapshot.
    /// - Parameter body: writes the snapshot into the empty folder whose path it gets.
    /// - Throws: the error of `body`, or `conflict` when another process writes to the folder; the folder is then
    ///   unchanged.
    package func replace<Result: Sendable>(
        _ body: (String) async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        if SnapshotFiles.exists(folder), !SnapshotFiles.isFolder(folder) {
            throw MMError(
                .invalidInput, "\(folder) is not a folder.", hint: "Use a folder, or one that doesn't exist yet.")
        }
        let isNew = claim != nil || !SnapshotFiles.exists(folder)
        if isNew { try ProtectedFile.makeDirectory(folder) }
        let lock: SnapshotLock? = if claim == nil { try locked() } else { nil }
        let workingCopy = workingCopy
        if SnapshotFiles.exists(complete) { try move() }
        let earlier = isNew ? [] : try earlierKinds(isOfGit: workingCopy != nil)
        if SnapshotFiles.exists(stage) { try SnapshotFiles.removeTree(stage) }
        let result: Result
        do throws(MMError) {
            try ProtectedFile.makeDirectory(written)
            // A killed process's staging folder must not be committed to git.
            try ProtectedFile.append(Array("*".utf8), to: stage + "/.gitignore")
            result = try await body(written)
            if let workingCopy { try SnapshotFiles.adopt(modeOf: workingCopy, in: written) }
            let new = try FolderListing.names(in: written).sorted()
            let steps = new.map { "+" + $0 } + earlier.filter { !new.contains($0) }.map { "-" + $0 }
            try ProtectedFile.replace(complete, with: Array(steps.joined(separator: "\n").utf8))
        } catch {
            try? SnapshotFiles.removeTree(stage)
            if isNew { try? SnapshotFiles.removeTree(folder) }
            throw error
        }
        try move()
        if isNew, let workingCopy { try SnapshotFiles.adopt(modeOf: workingCopy, in: folder) }
        _ = consume lock
        return result
    }

    /// Finishes the move that a killed process began; does nothing if there is none.
    /// - Throws: `conflict` while another process moves its snapshot into place.
    package func finishMove() throws(MMError) {
        guard SnapshotFiles.exists(complete) else { return }
        let lock = try locked()
        // The previous holder of the lock may have finished the move meanwhile.
        if SnapshotFiles.exists(complete) { try move() }
        _ = consume lock
    }

    private func locked() throws(MMError) -> SnapshotLock {
        guard let lock = try SnapshotLock.tryAcquire(folder) else {
            throw MMError(
                .conflict, "Another process is writing a snapshot to \(folder).", hint: "Wait until it ends.",
                retry: .now)
        }
        return lock
    }

    /// Moves the new entries into the place of the old ones. The move can be resumed after each step: entries in the
    /// `new` folder have not been moved yet, and those in the `old` folder have been replaced or removed.
    private func move() throws(MMError) {
        let steps = try ProtectedFile.read(complete) ?? []
        try ProtectedFile.makeDirectory(replaced)
        for step in String(decoding: steps, as: UTF8.self).split(separator: "\n") {
            let name = step.dropFirst()
            let (place, old, new) = ("\(folder)/\(name)", "\(replaced)/\(name)", "\(written)/\(name)")
            // A new entry that is no longer in the `new` folder has been moved into place already.
            let isDue = step.first == "-" || SnapshotFiles.exists(new)
            guard isDue, !name.contains("/") else { continue }
            if SnapshotFiles.exists(place), !SnapshotFiles.exists(old) { try SnapshotFiles.rename(place, to: old) }
            if step.first == "+" { try SnapshotFiles.rename(new, to: place) }
        }
        try ProtectedFile.remove(complete)
        try SnapshotFiles.removeTree(stage)
    }

    /// Returns the folders of kinds that an earlier snapshot wrote here. Other files in the folder are an error, so
    /// that no folder is overwritten by mistake.
    private func earlierKinds(isOfGit: Bool) throws(MMError) -> [String] {
        let names = try FolderListing.names(in: folder).filter { !$0.hasPrefix(".mm-snapshot") }
        let earlier =
            names.contains(SnapshotHeader.fileName)
            ? try SnapshotFolder(folder).header.read.filter { SnapshotKind.named($0) != nil } : []
        guard names.isEmpty || isOfGit || names.contains(SnapshotHeader.fileName) else {
            throw MMError(
                .conflict, "\(folder) contains other files and no snapshot.",
                hint: "Use a new folder, one with a snapshot, or one in a git working copy.")
        }
        if let foreign = SnapshotKind.all.map(\.name).first(where: { names.contains($0) && !earlier.contains($0) }) {
            throw MMError(
                .conflict, "\(folder)/\(foreign) is in the way and does not belong to a snapshot.",
                hint: "Use a folder only for snapshots, such as \(folder)/tenant.")
        }
        return earlier
    }

    /// The git working copy that contains the folder, which need not exist yet.
    private var workingCopy: String? {
        var place = Substring(folder)
        while let end = place.lastIndex(of: "/") {
            if SnapshotFiles.exists(place + "/.git") { return String(place) }
            place = place[..<end]
        }
        return nil
    }
}

/// A lock between processes on a folder itself (flock(2)), held for the lifetime of this value. It needs no lock file,
/// since the folder may be under git.
struct SnapshotLock: ~Copyable {
    private let number: Int32

    /// Locks a folder.
    /// - Returns: `nil` when another process holds it.
    static func tryAcquire(_ folder: String) throws(MMError) -> SnapshotLock? {
        let number = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SnapshotFiles.failed("open", folder) }
        let lock = SnapshotLock(number: number)
        while flock(number, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: return nil
            // Network file systems may not support locks on folders. The final move is still complete or resumable.
            case EBADF, ENOLCK, EOPNOTSUPP, EINVAL: return lock
            default: throw SnapshotFiles.failed("lock", folder)
            }
        }
        return lock
    }

    /// Whether a process holds the lock of a folder.
    static func isHeld(_ folder: String) -> Bool {
        let number = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { return false }
        defer { close(number) }
        return flock(number, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    private init(number: Int32) { self.number = number }

    deinit {
        // A child that was forked meanwhile and has not called exec(2) yet shares the lock, so closing the descriptor
        // alone would not release it.
        flock(number, LOCK_UN)
        close(number)
    }
}

/// A new folder for one snapshot, made and locked at once, so that two that begin in the same second get one each. A
/// folder that stays empty is removed with this value.
final class SnapshotClaim: Sendable {
    let folder: String
    private let lock: SnapshotLock

    /// Makes a folder.
    /// - Returns: `nil` if it exists already, or another process has locked it meanwhile.
    static func take(_ folder: String) throws(MMError) -> SnapshotClaim? {
        guard mkdir(folder, 0o700) == 0 else {
            if errno == EEXIST { return nil }
            throw SnapshotFiles.failed("make", folder)
        }
        guard let lock = try SnapshotLock.tryAcquire(folder) else { return nil }
        return SnapshotClaim(folder, lock)
    }

    private init(_ folder: String, _ lock: consuming SnapshotLock) {
        self.folder = folder
        self.lock = lock
    }

    deinit { rmdir(folder) }
}

/// Moves and removes files and folders of snapshots.
enum SnapshotFiles {
    /// Renames a file or folder within the same file system.
    static func rename(_ path: String, to other: String) throws(MMError) {
        guard Glibc.rename(path, other) == 0 else { throw failed("move", path) }
    }

    /// Removes a folder with its contents; symbolic links are removed and not followed.
    static func removeTree(_ path: String) throws(MMError) {
        FolderTree.remove(path)
        guard !exists(path) else { throw failed("remove", path) }
    }

    /// Removes a file; does nothing where there is none.
    static func remove(_ path: String) throws(MMError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failed("remove", path) }
    }

    /// Whether the path is a folder and not a symbolic link to one.
    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether the path exists.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Gives a folder and its contents the permissions of another one, so that files in a git working copy have the
    /// user's usual permissions.
    static func adopt(modeOf model: String, in path: String) throws(MMError) {
        var status = stat()
        guard lstat(model, &status) == 0 else { throw failed("look at", model) }
        try setMode(status.st_mode & 0o777, in: path)
    }

    private static func setMode(_ mode: mode_t, in path: String) throws(MMError) {
        for name in try FolderListing.names(in: path) {
            let inner = "\(path)/\(name)"
            if isFolder(inner) { try setMode(mode, in: inner) } else { _ = chmod(inner, mode & 0o666) }
        }
        _ = chmod(path, mode)
    }

    static func failed(_ action: String, _ path: String) -> MMError {
        let reason = String(cString: strerror(errno))
        return MMError(
            .forbidden, "Could not \(action) \(path): \(reason).", hint: "Check the folder's owner and free space.")
    }
}
