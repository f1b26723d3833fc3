package import MMCore

/// Recorded data under `Tests/Fixtures`, named by the path from there, such as `graph/users.json`.
package enum Fixture {
    /// The path of a file.
    package static func path(_ name: String) -> String { "\(BuiltPrograms.packageFolder)/Tests/Fixtures/\(name)" }

    /// A file as text.
    package static func text(_ name: String) throws(MMError) -> String {
        guard let bytes = try ProtectedFile.read(path(name)) else {
            throw MMError(.notFound, "The recorded file \(path(name)) is missing.")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The lines of a text, without those that start with `#`.
    package static func lines(_ name: String) throws(MMError) -> [String] {
        try text(name).split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    /// A file that is one JSON value.
    package static func json(_ name: String) throws -> JSONValue { try JSONParser.parse(text(name)) }

    /// A file with one JSON value per line.
    package static func jsonLines(_ name: String) throws -> [JSONValue] {
        try text(name).split(separator: "\n").map { try JSONParser.parse(String($0)) }
    }
}
