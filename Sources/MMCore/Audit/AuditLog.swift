import Glibc

/// A tamper-evident record of what was done: one JSON line per operation. Each line holds the digest of the line before
/// it, so changed, removed and inserted lines are detected.
///
/// A line is `{"seq":…,"time":…,"prev":"…",` the entry's fields `,"hash":"…"}`, where the hash is the SHA-256 of the
/// bytes before `,"hash":`. A `….head` file beside the log holds the number and hash of the newest line, so lines cut
/// off at the end are detected too. Anyone who may write both files can forge both; copy the head elsewhere to rule
/// that out.
public struct AuditLog: Sendable {
    /// The path of the log file.
    public let path: String
    private let redactor: Redactor
    private let clock: WallClock
    private let files: AuditFiles

    /// Creates an audit log.
    /// - Parameters:
    ///   - path: the log file; created with the first line.
    ///   - redactor: what is removed from every entry.
    ///   - clock: supplies the time of each line.
    public init(path: String, redactor: Redactor = .standard, clock: WallClock = .system) {
        self.path = path
        self.redactor = redactor
        self.clock = clock
        files = AuditFiles(path: path)
    }

    /// Appends a line, blocking this thread while another process writes; for command lines.
    /// - Parameter entry: what was done, as whom and with what outcome: sizes and status, never content.
    /// - Throws: an error when the line can't be written.
    public func append(_ entry: JSONObject) throws(MMError) {
        let members = members(of: entry)
        if try files.append(isLocked: false, { seal(members, $0) }) { return }
        let lock = try FileLock(waitingFor: path)
        _ = try files.append(isLocked: true) { seal(members, $0) }
        _ = consume lock
    }

    /// Appends a line, suspending rather than blocking while another process writes.
    /// - Parameter entry: what was done, as whom and with what outcome: sizes and status, never content.
    /// - Throws: an error when the line can't be written; `cancelled` when the task is cancelled while it waits.
    public func append(_ entry: JSONObject) async throws(MMError) {
        let members = members(of: entry)
        if try files.append(isLocked: false, { seal(members, $0) }) { return }
        let lock = try await FileLock(awaiting: path)
        _ = try files.append(isLocked: true) { seal(members, $0) }
        _ = consume lock
    }

    /// Serialises the entry outside the lock, so that other writers don't wait for it.
    private func members(of entry: JSONObject) -> AuditLine.Members {
        AuditLine.Members(redactor.object(entry))
    }

    /// Seals the entry into the line that continues `tail`.
    private func seal(_ members: AuditLine.Members, _ tail: AuditTail) -> (bytes: [UInt8], hash: String) {
        AuditLine.seal(members, after: tail, at: clock.now)
    }

    /// The hash that the first line gives as the hash of its predecessor.
    static let start = String(repeating: "0", count: 64)
}

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
        guard let place = try FileLocation.resolve(path, creating: false),
            let file = try place.open(O_RDONLY, to: "read"), let size = file.status().map({ Int($0.st_size) })
        else { return AuditPiece(lines: [], position: position, isOtherFile: false) }
        let isSame = try isAfter(position, in: file, size)
        let from = isSame ? position : .start
        var length = max(1, limit)
        while true {
            let bytes = try AuditTail.readBytes(
                of: file.number, from: from.offset, count: min(length, size - from.offset), path)
            if let (end, line) = Self.lastLine(in: bytes) {
                return AuditPiece(
                    lines: bytes[..<end].split(separator: 0x0A, omittingEmptySubsequences: true),
                    position: AuditPosition(offset: from.offset + end, number: line.number, hash: line.hash),
                    isOtherFile: !isSame)
            }
            guard from.offset + bytes.count < size else {
                return AuditPiece(lines: [], position: from, isOtherFile: !isSame)
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
        guard let place = try FileLocation.resolve(path, creating: false),
            let file = try place.open(O_RDONLY, to: "read"), let size = file.status().map({ Int($0.st_size) })
        else { return 0 }
        return max(0, size - position.offset)
    }

    /// Whether the file still holds, in front of the position, what was read there.
    private func isAfter(
        _ position: AuditPosition, in file: borrowing Descriptor, _ size: Int
    ) throws(MMError) -> Bool {
        guard position.offset > 0, position.number > 0 else { return true }
        let seal = Array("\"\(position.hash)\"}\n".utf8)
        guard position.offset <= size, position.offset >= seal.count else { return false }
        let found = try AuditTail.readBytes(
            of: file.number, from: position.offset - seal.count, count: seal.count, path)
        return found == seal
    }
}

extension AuditLog {
    /// Returns the newest matching entries among the end of the log, however long the file is; meant for live views.
    /// - Parameters:
    ///   - limit: the maximum number of entries; long entries may leave room for fewer.
    ///   - window: how many bytes of the log's end are looked at.
    ///   - isIncluded: whether to include an entry.
    /// - Returns: the entries, oldest first.
    package func newest(
        _ limit: Int, within window: Int = 64 << 10, where isIncluded: (JSONObject) -> Bool = { _ in true }
    ) throws(MMError) -> [JSONObject] {
        guard let place = try FileLocation.resolve(path, creating: false),
            let file = try place.open(O_RDONLY, to: "read"),
            let size = file.status().map({ Int($0.st_size) }), size > 0
        else { return [] }
        let from = max(0, size - window)
        let bytes = try AuditTail.readBytes(of: file.number, from: from, count: size - from, path)
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
        if from > 0, !lines.isEmpty { lines.removeFirst() }
        return lines.reversed().lazy.compactMap { (try? JSONParser.parse($0))?.object }.filter(isIncluded)
            .prefix(max(0, limit)).reversed()
    }
}

/// The result of verifying an audit log.
public struct AuditVerification: Sendable, Hashable {
    /// The number of intact lines before the first broken one.
    public var entries = 0
    /// The number of lines that a crash cut short while the chain around them is unbroken.
    public var tornLines = 0
    /// The lines that were written when the head beside the log was gone: what was cut off before each is not known.
    public var lostHeads: [Int64] = []
    /// The first line that differs from what was written.
    public var broken: Broken?
    /// The hash of the last good line.
    public var lastHash = AuditLog.start

    /// A place where the chain breaks.
    public struct Broken: Sendable, Hashable {
        /// The line number in the file, from 1; one past the last line when lines are missing at the end.
        public var line: Int
        /// What is wrong with the line.
        public var reason: String
    }

    /// Whether the log is exactly what was written.
    public var isSound: Bool { broken == nil }
}

extension AuditLog {
    /// Checks the hash, number and link of every line, and the end of the log against the head file.
    /// - Throws: an error when the file can't be read. A missing file is sound unless a head file exists.
    public func verify() throws(MMError) -> AuditVerification {
        var found = AuditVerification()
        var number: Int64 = 0
        var lineNumber = 0
        var torn: (line: Int, count: Int)?
        // Read the head first: a line that another process appends meanwhile is then newer than the head, not missing.
        let head = try AuditHead.load(beside: path)
        var headSeen = head == nil || head?.number == 0
        try lines { bytes in
            lineNumber += 1
            if bytes.isEmpty { return true }
            guard let line = AuditLine(bytes) else {
                torn = (torn?.line ?? lineNumber, (torn?.count ?? 0) + 1)
                return true
            }
            if let cut = torn {
                guard line.entry["afterTorn"] == true, line.previous == found.lastHash, line.number == number + 1 else {
                    found.broken = .init(line: cut.line, reason: "was changed, or isn't a line of the log")
                    return false
                }
                found.tornLines += cut.count
                torn = nil
            }
            guard line.number == number + 1 else {
                found.broken = .init(
                    line: lineNumber, reason: "has number \(line.number) where number \(number + 1) is expected")
                return false
            }
            guard line.previous == found.lastHash else {
                found.broken = .init(line: lineNumber, reason: "doesn't continue the line before it")
                return false
            }
            number = line.number
            if line.entry["afterLostHead"] == true { found.lostHeads.append(number) }
            found.lastHash = line.hash
            found.entries += 1
            if let head, head.number == number {
                guard head.hash == line.hash else {
                    found.broken = .init(line: lineNumber, reason: "isn't the line that was written under its number")
                    return false
                }
                headSeen = true
            }
            return true
        }
        if found.broken != nil { return found }
        if head == nil, number > 1 {
            found.broken = .init(
                line: lineNumber + 1,
                reason: "can't be told from a line that was cut off: the head beside the log is gone")
        } else if !headSeen, let head {
            let line = torn?.line ?? lineNumber + 1
            found.broken = .init(line: line, reason: "is changed or missing: there were \(head.number) entries")
        } else {
            // A crash leaves a torn last line; the next entry will be marked `afterTorn`.
            found.tornLines += torn?.count ?? 0
        }
        return found
    }

    /// Returns the newest matching entries of the whole log.
    /// - Parameters:
    ///   - limit: the maximum number of entries.
    ///   - isIncluded: whether to include an entry.
    /// - Returns: the entries, oldest first.
    public func entries(limit: Int = 100, where isIncluded: (JSONObject) -> Bool = { _ in true }) throws(MMError)
        -> [JSONObject]
    {
        var kept: [JSONObject] = []
        try lines { bytes in
            if let value = try? JSONParser.parse(bytes), let entry = value.object, isIncluded(entry) {
                kept.append(entry)
                if kept.count >= max(1, limit) * 2 { kept.removeFirst(kept.count - max(1, limit)) }
            }
            return true
        }
        return Array(kept.suffix(max(0, limit)))
    }

    /// Calls `each` with every line, without its newline, until it returns `false`. The file may be larger than memory.
    private func lines(_ each: (ArraySlice<UInt8>) -> Bool) throws(MMError) {
        guard let place = try FileLocation.resolve(path, creating: false),
            let file = try place.open(O_RDONLY, to: "read")
        else {
            return
        }
        var held: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = Glibc.read(file.number, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileFault.error(errno, "read", path) }
            if count == 0 { break }
            var start = 0
            while let end = chunk[start..<count].firstIndex(of: 0x0A) {
                held += chunk[start..<end]
                start = end + 1
                guard each(held[...]) else { return }
                held.removeAll(keepingCapacity: true)
            }
            held += chunk[start..<count]
        }
        if !held.isEmpty { _ = each(held[...]) }
    }
}
