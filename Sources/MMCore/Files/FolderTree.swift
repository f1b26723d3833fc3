import Glibc

/// Removes folders with all that is in them.
///
/// Files are unlinked and folders opened by name inside a folder that is open already, so that a program that still
/// runs can't lead the removal elsewhere by putting a link in a folder's place.
package enum FolderTree {
    /// Removes a folder with its contents, or a file. What can't be removed stays.
    /// - Parameter path: its path; a link there is removed itself.
    package static func remove(_ path: String) {
        guard let place = try? FileLocation.resolve(path, creating: false) else { return }
        let parent = place.folder.number
        if unlinkat(parent, place.name, 0) == 0 { return }
        guard let folder = opened(place.name, in: parent) else { return }
        // Each round goes one level deeper. The limit ends a race with a program that goes on writing.
        for _ in 0..<65_536 where !clearOnce(folder) { break }
        unlinkat(parent, place.name, AT_REMOVEDIR)
    }

    /// Removes what is in a folder. Folders within those in it are moved up into it, so that a tree of any depth needs
    /// neither deep recursion nor many open folders.
    /// - Returns: whether there may be more to remove.
    private static func clearOnce(_ folder: borrowing Descriptor) -> Bool {
        var hasChanged = false
        for name in names(in: folder) {
            if unlinkat(folder.number, name, 0) == 0 {
                hasChanged = true
                continue
            }
            guard let inner = opened(name, in: folder.number) else { continue }
            for deeper in names(in: inner) where unlinkat(inner.number, deeper, 0) != 0 {
                // A folder's parent can change only where its owner may write to it.
                allowOwner(deeper, in: inner.number)
                renameat(inner.number, deeper, folder.number, RandomBytes.text(bytes: 12))
            }
            if unlinkat(folder.number, name, AT_REMOVEDIR) == 0 { hasChanged = true }
        }
        return hasChanged
    }

    /// What can't be listed can't be removed, and stays.
    private static func names(in folder: borrowing Descriptor) -> [String] {
        (try? FolderListing.names(in: folder, at: "a folder")) ?? []
    }

    private static func opened(_ name: String, in folder: Int32) -> Descriptor? {
        allowOwner(name, in: folder)
        return Descriptor.folder(name, in: folder)
    }

    /// Gives the owner all permissions of a folder: a script may have removed those of its own.
    private static func allowOwner(_ name: String, in folder: Int32) {
        fchmodat(folder, name, 0o700, AT_SYMLINK_NOFOLLOW)
    }
}
