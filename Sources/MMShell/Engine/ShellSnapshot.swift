/// What of a shell's state survives its end.
struct ShellSnapshot: Sendable {
    /// The working directory.
    var directory: [UInt8]
    /// The exported variables as `export -p` wrote them, which the same shell reads again.
    var exports: [UInt8] = []

    /// A script that brings it back.
    var script: [UInt8] {
        // A variable that may not be set again must not keep the rest from being set.
        exports + Array("\ncd -- ".utf8) + Self.quoted(directory) + Array(" 2>/dev/null || cd / 2>/dev/null\n".utf8)
    }

    /// Bytes as one word of any POSIX shell.
    static func quoted(_ bytes: [UInt8]) -> [UInt8] {
        let quote = UInt8(ascii: "'")
        return [quote] + bytes.flatMap { $0 == quote ? Array("'\\''".utf8) : [$0] } + [quote]
    }
}
