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
        var word: [UInt8] = []
        word.reserveCapacity(bytes.count + 2)
        quote(bytes, into: &word)
        return word
    }

    /// Appends bytes as one word of any POSIX shell.
    static func quote(_ bytes: some Sequence<UInt8>, into line: inout [UInt8]) {
        let quote = UInt8(ascii: "'")
        line.append(quote)
        for byte in bytes { if byte == quote { line += "'\\''".utf8 } else { line.append(byte) } }
        line.append(quote)
    }
}
