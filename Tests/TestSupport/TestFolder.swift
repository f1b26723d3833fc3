import Glibc
import MMCore

/// A folder of a test's own with mode 0700, removed together with this value.
package final class TestFolder: Sendable {
    /// The folder's path.
    package let path: String

    /// Makes the folder.
    /// - Parameter start: what its path begins with.
    package init(_ start: String = "/tmp/mm-test-") throws { path = try Self.make(start) }

    deinit { Self.remove(path) }

    /// The path of something in the folder.
    package subscript(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a folder that whoever asks for it removes.
    package static func make(_ start: String = "/tmp/mm-test-") throws -> String {
        var template = Array((start + "XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { throw MMError(.unavailable, "No temporary folder can be made.") }
        return String(cString: made)
    }

    /// The names in a folder; none when it can't be listed.
    package static func names(in path: String) -> [String] {
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            // The entry's memory ends with its name, so copying the whole field would read beyond it.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
            let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a folder with all that lies in it, never through a link.
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
