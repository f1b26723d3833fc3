import Glibc
package import MMCore

/// A temporary home folder for one test, removed together with this value.
package final class TestHome: Sendable {
    /// The folder's path.
    package let path: String

    /// Creates the folder.
    package init() throws {
        var template = Array("/tmp/mm-home-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw MMError(.unavailable, "No temporary folder can be made.") }
        path = String(cString: made)
    }

    deinit { Self.remove(path) }

    /// The environment of a program whose home is this folder.
    package var environment: [String: String] { ["HOME": path] }
    /// The paths at which such a program keeps its state.
    package var paths: StatePaths { StatePaths(environment: environment) }
    /// The folder with the program's tokens.
    package var tokens: String { paths.tokenDirectory }

    /// Writes a file in the token folder, or one with an absolute path.
    package func write(_ name: String, _ bytes: [UInt8]) throws {
        try ProtectedFile.replace(name.hasPrefix("/") ? name : "\(tokens)/\(name)", with: bytes)
    }

    /// Reads a file in the token folder, or one with an absolute path; `nil` when there is none.
    package func read(_ name: String) throws -> [UInt8]? {
        try ProtectedFile.read(name.hasPrefix("/") ? name : "\(tokens)/\(name)")
    }

    /// Reads a file in the token folder as a JSON object.
    package func object(_ name: String) throws -> JSONObject {
        guard let bytes = try read(name), let object = try JSONParser.parse(bytes).object else {
            throw MMError(.notFound, "\(name) holds no object.")
        }
        return object
    }

    /// The files in the token folder, except lock files.
    package var tokenFiles: [String] {
        Self.list(tokens).filter { !$0.hasSuffix(".lock") }.sorted()
    }

    /// Returns the names in a folder; none when the folder doesn't exist.
    package static func list(_ folder: String) -> [String] {
        guard let listing = opendir(folder) else { return [] }
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

    private static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in list(path) { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
