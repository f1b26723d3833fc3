import MMCore

/// The recorded cases beside the tests.
enum Fixtures {
    static func lines(_ name: String, file: String = #filePath) throws -> [String] {
        var parts = file.split(separator: "/", omittingEmptySubsequences: false)
        while let last = parts.last, last != "Tests" { parts.removeLast() }
        let path = (parts + ["Fixtures", Substring(name)]).joined(separator: "/")
        guard let bytes = try ProtectedFile.read(path) else {
            throw MMError(.notFound, "The recorded cases \(path) are missing.")
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { !$0.hasPrefix("#") }
    }
}
