import MMCore

/// The recorded cases beside the tests.
enum Fixtures {
    static func text(_ name: String, file: String = #filePath) throws -> String {
        var parts = file.split(separator: "/", omittingEmptySubsequences: false)
        while let last = parts.last, last != "Tests" { parts.removeLast() }
        let path = (parts + ["Fixtures", "guard", Substring(name)]).joined(separator: "/")
        guard let bytes = try ProtectedFile.read(path) else {
            throw MMError(.notFound, "The recorded cases \(path) are missing.")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func lines(_ name: String) throws -> [JSONValue] {
        try text(name).split(separator: "\n").map { try JSONParser.parse(String($0)) }
    }
}
