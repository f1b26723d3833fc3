import Glibc
package import MMCore

/// Folders named after the process that made them, so that what a killed process left can be recognised and removed.
package enum OwnedFolder {
    /// Returns a new name that holds the number of this process.
    /// - Parameter prefix: the beginning of the name.
    package static func name(_ prefix: String = "") -> String {
        "\(prefix)\(getpid())-\(RandomBytes.text(bytes: 6))"
    }

    /// Returns the paths of the folders whose process has ended.
    ///
    /// An ended process that is not yet reaped counts as ended; in containers nobody may ever reap it.
    /// - Parameters:
    ///   - parent: the folder that they lie in.
    ///   - prefix: the beginning of their names.
    /// - Throws: `MMError` if the parent can't be read.
    package static func abandoned(in parent: String, _ prefix: String = "") throws(MMError) -> [String] {
        try FolderListing.names(in: parent).filter { name in
            guard name.hasPrefix(prefix), let owner = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }) else {
                return false
            }
            return ProcessIdentity(running: owner) == nil
        }.map { "\(parent)/\($0)" }
    }
}
