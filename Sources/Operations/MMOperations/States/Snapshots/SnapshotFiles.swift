import Glibc
import MMCore

/// Moves and removes the files of snapshots, which lie in folders of this user.
enum SnapshotFiles {
    /// Gives a file or folder another name on the same file system.
    static func rename(_ path: String, to other: String) throws(MMError) {
        guard Glibc.rename(path, other) == 0 else { throw failed("move", path) }
    }

    /// Removes a folder with all that is in it; links are removed and not followed.
    static func removeTree(_ path: String) throws(MMError) {
        for name in try FolderListing.names(in: path) {
            let inner = "\(path)/\(name)"
            if isFolder(inner) {
                try removeTree(inner)
            } else {
                try remove(inner)
            }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw failed("remove", path) }
    }

    /// Removes a file; does nothing where there is none.
    static func remove(_ path: String) throws(MMError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failed("remove", path) }
    }

    /// Whether there is a folder, and no link to one.
    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether there is anything of this name.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Gives a folder and all in it the permissions of another one: a working copy of git is the user's own affair.
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
