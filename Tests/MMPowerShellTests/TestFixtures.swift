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

/// Numbers that look random and are the same on every run.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
