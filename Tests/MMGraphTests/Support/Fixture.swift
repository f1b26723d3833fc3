import MMCore
import Testing

@testable import MMGraph

/// Recorded answers below `Tests/Fixtures/graph`.
enum Fixture {
    static func load(_ name: String, _ here: String = #filePath) throws -> JSONValue {
        let root = here.split(separator: "/").prefix { $0 != "Tests" }.joined(separator: "/")
        let path = "/\(root)/Tests/Fixtures/graph/\(name).json"
        let bytes = try #require(try ProtectedFile.read(path), "no fixture at \(path)")
        return try JSONParser.parse(bytes)
    }
}
