import MMCore
import Testing

/// Files of the repository's Tests/Fixtures.
enum TestFixtures {
    static func json(_ name: String, file: String = #filePath) throws -> JSONValue {
        let parts = file.split(separator: "/", omittingEmptySubsequences: false).prefix { $0 != "MMPowerShellTests" }
        let path = (parts + ["Fixtures", Substring(name)]).joined(separator: "/")
        let bytes = try #require(try ProtectedFile.read(path), "there is no \(path)")
        return try JSONParser.parse(bytes)
    }
}
