import Glibc
package import MMCore

/// Folders named after the process that made them, so that what a killed process left can be recognised and removed.
package enum OwnedFolder {
    /// Returns a new name that holds the number of this process.
    /// - Parameter prefix: the beginning of the name.
    package static func name(_ prefix: String = "") -> String {
        "\(prefix)\(getpid())-\(RandomBytes.text(bytes: 6))"
    }

    /// Makes a folder that only this user may enter, and removes what processes that were killed left beside it.
    /// - Parameters:
    ///   - parent: where.
    ///   - prefix: the beginning of its name.
    /// - Returns: its path.
    package static func make(in parent: String, _ prefix: String) throws(MMError) -> String {
        for left in (try? abandoned(in: parent, prefix)) ?? [] { FolderTree.remove(left) }
        let path = parent + "/" + name(prefix)
        // A name that is taken is somebody else's.
        guard mkdir(path, 0o700) == 0 else { throw SystemError.error("Making \(path)") }
        return path
    }

    /// Returns the paths of this user's folders whose process has ended.
    ///
    /// An ended process that is not yet reaped counts as ended; in containers nobody may ever reap it.
    /// - Parameters:
    ///   - parent: the folder that they lie in.
    ///   - prefix: the beginning of their names.
    /// - Throws: `MMError` if the parent can't be read.
    package static func abandoned(in parent: String, _ prefix: String = "") throws(MMError) -> [String] {
        try FolderListing.names(in: parent).filter { name in
            guard name.hasPrefix(prefix), let owner = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }),
                owner != getpid()
            else { return false }
            var status = stat()
            // In a folder that all may write to, others choose names as they like.
            guard lstat("\(parent)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
                status.st_uid == geteuid()
            else { return false }
            return ProcessIdentity(running: owner) == nil
        }.map { "\(parent)/\($0)" }
    }
}
