package import MMCore

/// A temporary home folder for one test, removed together with this value.
package final class TestHome: Sendable {
    private let folder: TestFolder

    /// Creates the folder.
    package init() throws { folder = try TestFolder("/tmp/mm-home-") }

    /// The folder's path.
    package var path: String { folder.path }

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
        TestFolder.names(in: tokens).filter { !$0.hasSuffix(".lock") }.sorted()
    }
}
