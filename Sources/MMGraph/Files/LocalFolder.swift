internal import Glibc
package import MMCore
package import MMSystem

/// The content of a folder on this machine, including its subfolders. Symbolic links aren't followed.
package struct LocalFolder: Sendable {
    /// An item in the folder.
    package struct Entry: Sendable, Hashable {
        /// The path components below the folder.
        package let names: [String]
        /// The reason why the item isn't sent; `nil` for a regular file, which is sent.
        package let reason: String?

        /// The path below the folder.
        package var path: String { names.joined(separator: "/") }
    }

    /// The files, in the order of their paths.
    package private(set) var files: [Entry] = []
    /// The items that are left out, with their reasons.
    package private(set) var leftOut: [Entry] = []

    private static let mostFiles = 100_000
    private static let mostLevels = 100

    /// Lists an opened folder.
    /// - Throws: `.invalidInput` for anything but a folder; `.limitExceeded` for more files than one call can send.
    package init(_ folder: borrowing FileDescriptor, path: String) throws(MMError) {
        var status = stat()
        guard fstat(folder.raw, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw MMError(
                .invalidInput, "“\(path)” isn't a folder.", hint: "Leave out `recursive` for a single file.",
                details: ["field": "recursive"])
        }
        try read(folder.raw, [], path)
        files.sort { $0.path < $1.path }
        leftOut.sort { $0.path < $1.path }
    }

    private mutating func read(_ folder: Int32, _ above: [String], _ root: String) throws(MMError) {
        guard above.count < Self.mostLevels else {
            throw MMError(.limitExceeded, "“\(root)” has more than \(Self.mostLevels) levels of folders.")
        }
        let names = try Self.names(in: folder, at: root)
        if names.isEmpty, !above.isEmpty { leftOut.append(Entry(names: above, reason: "an empty folder")) }
        for bytes in names {
            guard let name = String(validating: bytes, as: UTF8.self) else {
                let shown = String(decoding: bytes, as: UTF8.self)
                leftOut.append(Entry(names: above + [shown], reason: "its name isn't UTF-8"))
                continue
            }
            var status = stat()
            guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            let here = above + [name]
            switch status.st_mode & S_IFMT {
            case S_IFREG:
                files.append(Entry(names: here, reason: nil))
                guard files.count <= Self.mostFiles else {
                    throw MMError(
                        .limitExceeded, "“\(root)” contains more than \(Self.mostFiles) files.",
                        hint: "Send its folders one by one.")
                }
            case S_IFDIR:
                let number = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard number >= 0 else {
                    leftOut.append(Entry(names: here, reason: "it can't be read"))
                    continue
                }
                let below = FileDescriptor(owning: number)
                try read(below.raw, here, root)
            case S_IFLNK: leftOut.append(Entry(names: here, reason: "a symbolic link"))
            default: leftOut.append(Entry(names: here, reason: "not a regular file"))
            }
        }
    }

    private static func names(in folder: Int32, at path: String) throws(MMError) -> [[UInt8]] {
        guard let names = FolderListing.names(in: folder) else { throw SystemError.error("Reading \(path)") }
        return names
    }
}
