import Glibc
package import MMCore

/// Folders named after the process that created them, so that those left by killed processes can be recognised and
/// removed.
package enum OwnedFolder {
    /// Returns a new name that contains this process's id.
    /// - Parameter prefix: the beginning of the name.
    package static func name(_ prefix: String = "") -> String {
        "\(prefix)\(getpid())-\(RandomBytes.text(bytes: 6))"
    }

    /// Creates a folder that only this user may enter, and removes folders that killed processes left beside it.
    /// - Parameters:
    ///   - parent: the parent folder.
    ///   - prefix: the beginning of its name.
    /// - Returns: its path.
    package static func make(in parent: String, _ prefix: String) throws(MMError) -> String {
        for left in (try? abandoned(in: parent, prefix)) ?? [] { FolderTree.remove(left) }
        let path = parent + "/" + name(prefix)
        // An existing folder with this name may belong to another user, so it isn't used.
        guard mkdir(path, 0o700) == 0 else { throw SystemError.error("Making \(path)") }
        return path
    }

    /// Returns the paths of this user's folders whose process has ended.
    ///
    /// A process that has ended but isn't reaped counts as ended too; in containers it may never be reaped.
    /// - Parameters:
    ///   - parent: the parent folder.
    ///   - prefix: the beginning of their names.
    /// - Throws: `MMError` if the parent can't be read.
    package static func abandoned(in parent: String, _ prefix: String = "") throws(MMError) -> [String] {
        try FolderListing.names(in: parent).filter { name in
            guard name.hasPrefix(prefix), let owner = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }),
                owner != getpid()
            else { return false }
            var status = stat()
            // In a folder that all users may write to, other users may use such names too.
            guard lstat("\(parent)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
                status.st_uid == geteuid()
            else { return false }
            return ProcessIdentity(running: owner) == nil
        }.map { "\(parent)/\($0)" }
    }
}
