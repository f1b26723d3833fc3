import Glibc
import MMCore
import Testing

/// A home folder of its own for one test, removed with it.
final class TestHome: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/mm-graph-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit { Self.remove(path) }

    var environment: [String: String] { ["HOME": path] }
    var paths: StatePaths { StatePaths(environment: environment) }
    var tokens: String { paths.tokenDirectory }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try ProtectedFile.replace(name.hasPrefix("/") ? name : "\(tokens)/\(name)", with: bytes)
    }

    func read(_ name: String) throws -> [UInt8]? {
        try ProtectedFile.read(name.hasPrefix("/") ? name : "\(tokens)/\(name)")
    }

    /// A file of the token folder as JSON.
    func object(_ name: String) throws -> JSONObject {
        let bytes = try #require(try read(name), "no file \(name)")
        return try #require(try JSONParser.parse(bytes).object)
    }

    /// The files of the token folder that hold something: locks are left out.
    var tokenFiles: [String] {
        Self.list(tokens).filter { !$0.hasSuffix(".lock") }.sorted()
    }

    static func list(_ folder: String) -> [String] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
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
