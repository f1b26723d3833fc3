import Glibc

/// Lists the names in a folder.
package enum FolderListing {
    /// Returns the names in a protected folder, without `.` and `..`, in no particular order; empty when there is no
    /// such folder.
    package static func names(in path: String) throws(MMError) -> [String] {
        guard let folder = try FileLocation.folder(path, creating: false) else { return [] }
        return names(in: folder)
    }

    /// Returns the names in an opened folder; empty when it can't be listed.
    static func names(in folder: borrowing Descriptor) -> [String] {
        let number = openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return [] }
        guard let listing = fdopendir(number) else {
            close(number)
            return []
        }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
