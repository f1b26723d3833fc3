import MMCore

/// Recorded data under `Tests/Fixtures`.
enum Fixture {
    static func path(_ name: String, from file: String = #filePath) -> String {
        var parts = file.split(separator: "/", omittingEmptySubsequences: false)
        while let last = parts.last, last != "Tests" { parts.removeLast() }
        return (parts + ["Fixtures", Substring(name)]).joined(separator: "/")
    }
}
