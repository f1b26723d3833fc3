import Glibc

/// How far a reader has come in an audit log.
package struct AuditPosition: Sendable, Hashable {
    /// Where the next line begins in the file.
    package let offset: Int
    /// The number of the last line that was read; 0 for none.
    package let number: Int64
    /// The hash of that line, by which the file is known again.
    package let hash: String

    /// Creates a position.
    package init(offset: Int, number: Int64, hash: String) {
        (self.offset, self.number, self.hash) = (offset, number, hash)
    }

    /// The beginning of a log.
    package static let start = AuditPosition(offset: 0, number: 0, hash: AuditLog.start)
}

/// Some lines of an audit log, with where to go on.
package struct AuditPiece: Sendable {
    /// The lines as they stand in the log, without their newlines.
    package let lines: [ArraySlice<UInt8>]
    /// Behind the last of them.
    package let position: AuditPosition
    /// Whether another file stands where the position was taken, so that it is read from its start.
    package let isOtherFile: Bool
}

extension AuditLog {
    /// Reads the lines that follow a position, in the order in which they were written.
    /// - Parameters:
    ///   - position: where an earlier reading ended.
    ///   - limit: how many bytes to read; one line is read even where it is longer.
    /// - Returns: no lines where there is nothing new.
    /// - Throws: an error when the file can't be read.
    package func following(_ position: AuditPosition, limit: Int) throws(MMError) -> AuditPiece {
        let parts = try AuditParts(of: path)
        // Of a full file the number of its last line is known: the first that has more than was read is read on.
        if let part = parts.full.first(where: { $0.last > position.number }), let file = try AuditParts.open(part) {
            let piece = try Self.following(position, limit: limit, in: file.number, part.path)
            if !piece.lines.isEmpty { return piece }
        }
        guard let file = parts.current else {
            return AuditPiece(lines: [], position: position, isOtherFile: false)
        }
        return try Self.following(position, limit: limit, in: file, path)
    }

    private static func following(
        _ position: AuditPosition, limit: Int, in file: Int32, _ path: String
    ) throws(MMError) -> AuditPiece {
        var status = stat()
        guard fstat(file, &status) == 0 else { return AuditPiece(lines: [], position: position, isOtherFile: false) }
        let size = Int(status.st_size)
        let isSame = try isAfter(position, in: file, size, path)
        let from = isSame ? position : .start
        var length = max(1, limit)
        while true {
            let bytes = try AuditTail.readBytes(
                of: file, from: from.offset, count: min(length, size - from.offset), path)
            if let (end, line) = Self.lastLine(in: bytes) {
                let lines = bytes[..<end].split(separator: 0x0A, omittingEmptySubsequences: true)
                // The next file of the same log goes on where the one before it ended.
                let goesOn = lines.lazy.compactMap { AuditLine($0) }.first.map {
                    $0.number == position.number + 1 && $0.previous == position.hash
                }
                return AuditPiece(
                    lines: lines,
                    position: AuditPosition(offset: from.offset + end, number: line.number, hash: line.hash),
                    isOtherFile: !isSame && goesOn != true)
            }
            guard from.offset + bytes.count < size else {
                // A file that has no line yet is no other one before it has.
                return AuditPiece(lines: [], position: size == 0 ? position : from, isOtherFile: !isSame && size > 0)
            }
            length *= 2
        }
    }

    /// The last intact line, and where the one behind it begins. What follows it is still being written, or was cut short and
    /// is read together with the next intact line.
    private static func lastLine(in bytes: [UInt8]) -> (end: Int, line: AuditLine)? {
        var rest = bytes[...]
        while let newline = rest.lastIndex(of: 0x0A) {
            let before = bytes[..<newline]
            let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            if let line = AuditLine(bytes[start..<newline]) { return (newline + 1, line) }
            rest = before
        }
        return nil
    }

    /// How many bytes stand behind a position.
    package func bytes(after position: AuditPosition) throws(MMError) -> Int {
        var (count, isFirst) = (0, true)
        try AuditParts(of: path).each { (file, full) throws(MMError) -> Bool in
            if let full, full.last <= position.number { return true }
            var status = stat()
            guard fstat(file, &status) == 0 else { return true }
            let size = Int(status.st_size)
            // The file before may have ended at the position.
            var isWithin = false
            if isFirst { isWithin = try Self.isAfter(position, in: file, size, path) }
            count += isWithin ? max(0, size - position.offset) : size
            isFirst = false
            return true
        }
        return count
    }

    /// Whether the file still holds, in front of the position, what was read there.
    private static func isAfter(
        _ position: AuditPosition, in file: Int32, _ size: Int, _ path: String
    ) throws(MMError) -> Bool {
        guard position.offset > 0, position.number > 0 else { return true }
        let seal = Array("\"\(position.hash)\"}\n".utf8)
        guard position.offset <= size, position.offset >= seal.count else { return false }
        let found = try AuditTail.readBytes(of: file, from: position.offset - seal.count, count: seal.count, path)
        return found == seal
    }
}
