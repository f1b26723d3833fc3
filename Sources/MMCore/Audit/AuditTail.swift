import Glibc

/// The end of an audit log, from which the next line continues.
struct AuditTail {
    /// The number of the newest intact line; 0 when there is none.
    var number: Int64 = 0
    /// The hash of that line.
    var hash = AuditLog.start
    /// Whether anything other than an intact line follows it.
    var torn = false
    /// Whether the head beside the log is gone: lines that were cut off at the end before this could not be noticed.
    var lostHead = false
    /// Whether the file ends in the middle of a line.
    var needsBreak = false

    /// Lines are short. A longer one is found by reading backwards in growing pieces.
    private static let firstPiece = 4096

    /// Reads the end of an open file backwards until a whole line is found.
    static func read(_ number: Int32, size: Int, _ path: String) throws(MMError) -> AuditTail {
        var tail = AuditTail()
        guard size > 0 else { return tail }
        var bytes: [UInt8] = []
        var start = size
        var piece = firstPiece
        while start > 0 {
            let from = max(0, start - piece)
            piece *= 4
            bytes = try readBytes(of: number, from: from, count: start - from, path) + bytes
            start = from
            if tail.find(in: bytes, fromStart: start == 0) { return tail }
        }
        return tail
    }

    private mutating func find(in bytes: [UInt8], fromStart: Bool) -> Bool {
        needsBreak = bytes.last != 0x0A
        torn = false
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
        // Unless it starts the file, the first line of a piece may be the end of a longer one.
        if !fromStart, !lines.isEmpty { lines.removeFirst() }
        for line in lines.reversed() {
            if let whole = AuditLine(line) {
                (number, hash) = (whole.number, whole.hash)
                return true
            }
            torn = true
        }
        return false
    }

    static func readBytes(
        of number: Int32, from: Int, count: Int, _ path: String
    ) throws(MMError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let read = bytes.withUnsafeMutableBytes { buffer in
                pread(number, buffer.baseAddress.map { $0 + done }, count - done, off_t(from + done))
            }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw FileFault.error(read < 0 ? errno : EIO, "read", path) }
            done += read
        }
        return bytes
    }
}
