import Glibc
import MMCore

/// A temporary folder with mode 0700, removed together with this value.
package final class TestFolder: Sendable {
    /// The folder's path.
    package let path: String

    /// Creates the folder.
    /// - Parameter start: the beginning of its path.
    package init(_ start: String = "/tmp/mm-test-") throws { path = try Self.make(start) }

    deinit { Self.remove(path) }

    /// The path of something in the folder.
    package subscript(_ name: String) -> String { "\(path)/\(name)" }

    /// Creates a folder that the caller has to remove.
    package static func make(_ start: String = "/tmp/mm-test-") throws -> String {
        var template = Array((start + "XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { throw MMError(.unavailable, "No temporary folder can be made.") }
        return String(cString: made)
    }

    /// The names in a folder; none if it can't be listed.
    package static func names(in path: String) -> [String] {
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            // The memory of the entry ends with its name, so copying the whole field would read beyond it.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
            let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a folder with its contents, without following links.
    package static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in names(in: path) { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
