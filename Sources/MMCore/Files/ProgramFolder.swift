import Glibc

/// A folder in which a program works that isn't trusted, seen from outside: the files that it is given there, and those
/// that it writes.
///
/// The program may put links, pipes and other folders in any place at any time. Each folder is therefore opened by name
/// inside the one before it, never through a link, and only regular files with a single name are read.
package struct ProgramFolder: Sendable {
    /// A file's name, and its content.
    package typealias File = (name: String, bytes: [UInt8])

    /// The files in the folder at one time.
    package struct Snapshot: Sendable {
        fileprivate var stamps: [String: FileStamp] = [:]
    }

    /// The files that a program wrote.
    package struct Written: Sendable {
        /// The files, by their paths in the folder.
        package fileprivate(set) var files: [File] = []
        /// The paths of those that were too many or too large to be read.
        package fileprivate(set) var left: [String] = []

        /// Creates the result of a program that wrote nothing.
        package init() {}
    }

    /// The maximum number of bytes of all files that are read.
    private static let mostBytes = 256 << 20
    /// The maximum number of files that are read.
    private static let mostFiles = 200
    /// The maximum depth of folders that are looked into.
    private static let mostDepth = 8
    /// The maximum number of names that are looked at.
    private static let mostNames = 20_000

    /// The folder around it, in which the program can't replace anything.
    private let parent: String
    private let name: String

    /// Creates a view of a folder.
    /// - Parameters:
    ///   - name: the folder's name.
    ///   - parent: the folder around it, whose own path the program can't change.
    package init(_ name: String, in parent: String) {
        self.parent = parent
        self.name = name
    }

    /// Returns the files that are there now. Names that begin with a dot are the program's own affair.
    package func snapshot() -> Snapshot {
        var snapshot = Snapshot()
        visit { snapshot.stamps[$0] = FileStamp($1) }
        return snapshot
    }

    /// Returns the files that were written since a snapshot, sorted by path.
    package func written(since snapshot: Snapshot) -> Written {
        var changed: [String] = []
        visit { path, status in
            if snapshot.stamps[path] != FileStamp(status) { changed.append(path) }
        }
        var written = Written()
        var room = Self.mostBytes
        for path in changed.sorted() {
            guard written.files.count < Self.mostFiles, let bytes = read(path, limit: room) else {
                written.left.append(path)
                continue
            }
            room -= bytes.count
            written.files.append((path, bytes))
        }
        return written
    }

    /// Puts files into the folder, in place of whatever has their names.
    /// - Throws: `.invalidInput` for a name that isn't one of a file in the folder itself; an error if a file can't be
    ///   written.
    package func put(_ files: [File]) throws(MMError) {
        for file in files {
            guard !file.name.isEmpty, !file.name.hasPrefix("."),
                !file.name.utf8.contains(where: { $0 == 0 || $0 == 0x2F })
            else {
                throw MMError(
                    .invalidInput, "'\(file.name)' isn't the name of a file.",
                    hint: "Attach the file under a plain name: NAME=PATH.", details: ["field": "attach"])
            }
            guard let folder = opened() else { throw FileFault.error(ENOENT, "reach", "\(parent)/\(name)") }
            try FileLocation(folder: folder, name: file.name, path: file.name).put(file.bytes, mode: 0o600)
        }
    }

    // MARK: Looking

    private func opened() -> Descriptor? {
        guard let outer = try? FileLocation.folder(parent, creating: false) else { return nil }
        return outer.folder(name)
    }

    /// Visits the regular files of the folder and of those within it.
    private func visit(_ found: (_ path: String, _ status: stat) -> Void) {
        guard let folder = opened() else { return }
        var names = 0
        Self.visit(folder, "", 0, &names, found)
    }

    private static func visit(
        _ folder: borrowing Descriptor, _ path: String, _ depth: Int, _ names: inout Int,
        _ found: (_ path: String, _ status: stat) -> Void
    ) {
        for name in (try? FolderListing.names(in: folder, at: path)) ?? [] where !name.hasPrefix(".") {
            names += 1
            guard names <= mostNames else { return }
            var status = stat()
            guard fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFREG where status.st_nlink == 1: found(path + name, status)
            case S_IFDIR where depth < mostDepth:
                guard let inner = folder.folder(name) else { continue }
                visit(inner, path + name + "/", depth + 1, &names, found)
            default: continue
            }
        }
    }

    /// Reads a file; `nil` if it is larger than `limit`, or no longer a regular file.
    private func read(_ path: String, limit: Int) -> [UInt8]? {
        var parts = path.split(separator: "/").map(String.init)
        guard let own = parts.popLast(), var folder = opened() else { return nil }
        for part in parts {
            guard let inner = folder.folder(part) else { return nil }
            folder = inner
        }
        let place = FileLocation(folder: folder, name: own, path: path)
        guard let file = (try? place.open(O_RDONLY, to: "read")) ?? nil, let status = file.status(),
            status.st_nlink == 1, status.st_size <= limit
        else { return nil }
        return try? file.bytes(from: 0, limit: Int(status.st_size), of: path)
    }
}
