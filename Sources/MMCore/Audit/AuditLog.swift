import Glibc

/// A tamper-evident record of what was done: one JSON line per operation. Each line holds the digest of the line before
/// it, so changed, removed and inserted lines are detected.
///
/// A line is `{"seq":…,"time":…,"prev":"…",` the entry's fields `,"hash":"…"}`, where the hash is the SHA-256 of the
/// bytes before `,"hash":`. A `….head` file beside the log holds the number and hash of the newest line, so lines cut
/// off at the end are detected too. Anyone who may write both files can forge both; copy the head elsewhere to rule
/// that out.
///
/// A file that has reached its size limit is renamed with the number of its last line, and the chain continues in a new
/// file.
package struct AuditLog: Sendable {
    /// The path of the log file.
    package let path: String
    private let clock: WallClock
    private let files: AuditFiles

    /// Creates an audit log.
    /// - Parameters:
    ///   - path: the log file; created with the first line.
    ///   - clock: supplies the time of each line.
    package init(path: String, clock: WallClock = .system) {
        self.init(path: path, clock: clock, fileLimit: Self.fileLimit)
    }

    /// Creates an audit log with its own limit on the size of a file.
    /// - Parameter fileLimit: the size in bytes at which the next line begins another file.
    package init(path: String, clock: WallClock = .system, fileLimit: Int) {
        self.path = path
        self.clock = clock
        files = AuditFiles(path: path, limit: fileLimit)
    }

    /// The standard size limit of a file: some hundred thousand lines.
    private static let fileLimit = 64 << 20

    /// Appends a line, blocking this thread while another process writes; for command lines.
    /// - Parameter entry: what was done, as whom and with what outcome: sizes and status, never content.
    /// - Throws: an error when the line can't be written.
    package func append(_ entry: JSONObject) throws(MMError) {
        let members = members(of: entry)
        if try files.append(isLocked: false, { seal(members, $0) }) { return }
        let lock = try FileLock(waitingFor: path)
        _ = try files.append(isLocked: true) { seal(members, $0) }
        _ = consume lock
    }

    /// Appends a line, suspending rather than blocking while another process writes.
    /// - Parameter entry: what was done, as whom and with what outcome: sizes and status, never content.
    /// - Throws: an error when the line can't be written; `cancelled` when the task is cancelled while it waits.
    package func append(_ entry: JSONObject) async throws(MMError) {
        let members = members(of: entry)
        if try files.append(isLocked: false, { seal(members, $0) }) { return }
        let lock = try await FileLock(awaiting: path)
        _ = try files.append(isLocked: true) { seal(members, $0) }
        _ = consume lock
    }

    /// Waits until the lines written so far are on disk, so that they outlive a crash of the machine. It blocks this
    /// thread, but no writer.
    /// - Throws: an error when the disk fails or is full.
    package func sync() throws(MMError) { try files.sync() }

    /// Serialises the entry outside the lock, so that other writers don't wait for it.
    private func members(of entry: JSONObject) -> AuditLine.Members {
        AuditLine.Members(Redactor.standard.object(entry))
    }

    /// Seals the entry into the line that continues `tail`.
    private func seal(_ members: AuditLine.Members, _ tail: AuditTail) -> (bytes: [UInt8], hash: String) {
        AuditLine.seal(members, after: tail, at: clock.now)
    }

    /// The hash that the first line gives as the hash of its predecessor.
    static let start = String(repeating: "0", count: 64)
}

/// A reader's position in an audit log.
package struct AuditPosition: Sendable, Hashable {
    /// The offset in the file at which the next line begins.
    package let offset: Int
    /// The number of the last line that was read; 0 for none.
    package let number: Int64
    /// The hash of that line, by which the file is recognised.
    package let hash: String

    /// Creates a position.
    package init(offset: Int, number: Int64, hash: String) {
        (self.offset, self.number, self.hash) = (offset, number, hash)
    }

    /// The beginning of a log.
    package static let start = AuditPosition(offset: 0, number: 0, hash: AuditLog.start)
}

/// Some lines of an audit log, with the position at which to continue.
package struct AuditPiece: Sendable {
    /// The lines as they stand in the log, without their newlines.
    package let lines: [ArraySlice<UInt8>]
    /// The position after the last of these lines.
    package let position: AuditPosition
    /// Whether the file at the position's path has been replaced by another one, which is read from its start.
    package let isOtherFile: Bool
}

extension AuditLog {
    /// Reads the lines that follow a position, in the order in which they were written.
    /// - Parameters:
    ///   - position: the position at which an earlier read ended.
    ///   - limit: the number of bytes to read; at least one line is read, even if it is longer.
    /// - Returns: no lines if there is nothing new.
    /// - Throws: an error when the file can't be read.
    package func following(_ position: AuditPosition, limit: Int) throws(MMError) -> AuditPiece {
        let parts = try AuditParts(of: path)
        // A full file's name contains the number of its last line, so the first file with newer lines is found without
        // reading.
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
                // The next file of the same log continues the chain of the previous one.
                let goesOn = lines.lazy.compactMap { AuditLine($0) }.first.map {
                    $0.number == position.number + 1 && $0.previous == position.hash
                }
                return AuditPiece(
                    lines: lines,
                    position: AuditPosition(offset: from.offset + end, number: line.number, hash: line.hash),
                    isOtherFile: !isSame && goesOn != true)
            }
            guard from.offset + bytes.count < size else {
                // An empty file doesn't count as another file until it has a line.
                return AuditPiece(lines: [], position: size == 0 ? position : from, isOtherFile: !isSame && size > 0)
            }
            length *= 2
        }
    }

    /// Returns the last intact line, and the end of that line. The bytes after it are still being written, or were cut
    /// short; they are read together with the next intact line.
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

    /// Returns the number of bytes after a position.
    package func bytes(after position: AuditPosition) throws(MMError) -> Int {
        var (count, isFirst) = (0, true)
        try AuditParts(of: path).each { (file, full) throws(MMError) -> Bool in
            if let full, full.last <= position.number { return true }
            var status = stat()
            guard fstat(file, &status) == 0 else { return true }
            let size = Int(status.st_size)
            // The position may be the end of the previous file.
            var isWithin = false
            if isFirst { isWithin = try Self.isAfter(position, in: file, size, path) }
            count += isWithin ? max(0, size - position.offset) : size
            isFirst = false
            return true
        }
        return count
    }

    /// Returns whether the file still contains, just before the position, the line that was read there.
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

extension AuditLog {
    /// Returns the newest matching entries among the end of the log, however long the file is; meant for live views.
    /// - Parameters:
    ///   - limit: the maximum number of entries; long entries may leave room for fewer.
    ///   - window: the number of bytes at the end of the log that are searched.
    ///   - isIncluded: returns whether to include an entry.
    /// - Returns: the entries, oldest first.
    package func newest(
        _ limit: Int, within window: Int = 64 << 10, where isIncluded: (JSONObject) -> Bool = { _ in true }
    ) throws(MMError) -> [JSONObject] {
        let parts = try AuditParts(of: path)
        var lines: [ArraySlice<UInt8>] = []
        var left = window
        func add(_ file: Int32, _ path: String) throws(MMError) {
            var status = stat()
            guard fstat(file, &status) == 0, status.st_size > 0 else { return }
            let (size, from) = (Int(status.st_size), max(0, Int(status.st_size) - left))
            left -= size - from
            let bytes = try AuditTail.readBytes(of: file, from: from, count: size - from, path)
            var some = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
            if from > 0, !some.isEmpty { some.removeFirst() }
            lines = some + lines
        }
        if let file = parts.current { try add(file, path) }
        for part in parts.full.reversed() where left > 0 {
            if let file = try AuditParts.open(part) { try add(file.number, part.path) }
        }
        return lines.reversed().lazy.compactMap { (try? JSONParser.parse($0))?.object }.filter(isIncluded)
            .prefix(max(0, limit)).reversed()
    }
}

/// The result of verifying an audit log.
package struct AuditVerification: Sendable, Hashable {
    /// The number of intact lines before the first broken one.
    package var entries = 0
    /// The number of lines that a crash cut short while the chain around them is unbroken.
    package var tornLines = 0
    /// The numbers of the lines that were written when the head file was missing: lines that were cut off before each
    /// of them can't be noticed.
    package var lostHeads: [Int64] = []
    /// The first line that differs from what was written.
    package var broken: Broken?
    /// The number of full files that were checked, besides the current one.
    package var fullFiles = 0
    /// The hash of the last good line.
    package var lastHash = AuditLog.start

    /// A place where the chain breaks.
    package struct Broken: Sendable, Hashable {
        /// The line number in the file, from 1; one past the last line when lines are missing at the end.
        package var line: Int
        /// The name of the full file that contains the line; `nil` for the current file.
        package var file: String?
        /// What is wrong with the line.
        package var reason: String
    }

    /// Whether the log is exactly what was written.
    package var isSound: Bool { broken == nil }
}

/// The check of a log's chain, line by line.
private struct AuditChain {
    private(set) var found = AuditVerification()
    private let head: AuditHead?
    private var headSeen: Bool
    private var number: Int64 = 0
    /// The number of the line in its file, and the name of that file if it is a full one.
    private var (place, file): (Int, String?) = (0, nil)
    /// The lines cut short since the last intact one.
    private var torn: (line: Int, count: Int, file: String?)?

    init(head: AuditHead?) {
        self.head = head
        headSeen = head == nil || head?.number == 0
    }

    /// Takes the next line.
    /// - Returns: whether the chain is unbroken so far.
    mutating func take(_ bytes: ArraySlice<UInt8>, of file: String?) -> Bool {
        if file != self.file {
            (place, self.file) = (0, file)
            if file != nil { found.fullFiles += 1 }
        }
        place += 1
        if bytes.isEmpty { return true }
        guard let line = AuditLine(bytes) else {
            torn = (torn?.line ?? place, (torn?.count ?? 0) + 1, torn?.file ?? file)
            return true
        }
        if let cut = torn {
            guard line.entry["afterTorn"] == true, line.previous == found.lastHash, line.number == number + 1 else {
                return fail("was changed, or isn't a line of the log", at: cut.line, of: cut.file)
            }
            found.tornLines += cut.count
            torn = nil
        }
        guard line.number == number + 1 else {
            return fail("has number \(line.number) where number \(number + 1) is expected", at: place, of: file)
        }
        guard line.previous == found.lastHash else {
            return fail("doesn't continue the line before it", at: place, of: file)
        }
        number = line.number
        if line.entry["afterLostHead"] == true { found.lostHeads.append(number) }
        found.lastHash = line.hash
        found.entries += 1
        guard let head, head.number == number else { return true }
        headSeen = true
        return head.hash == line.hash || fail("isn't the line that was written with its number", at: place, of: file)
    }

    /// Compares the end of the log with its head.
    mutating func finish() {
        guard found.broken == nil else { return }
        // Lines can only be missing at the end of the current file.
        let next = (file == nil ? place : 0) + 1
        if head == nil, number > 1 {
            _ = fail("may be a truncated line, because the .head file is missing", at: next)
        } else if !headSeen, let head {
            _ = fail(
                "is changed or missing: there were \(head.number) entries", at: torn?.line ?? next, of: torn?.file)
        } else {
            // A crash leaves a torn last line; the next entry will be marked `afterTorn`.
            found.tornLines += torn?.count ?? 0
        }
    }

    private mutating func fail(_ reason: String, at line: Int, of file: String? = nil) -> Bool {
        found.broken = .init(line: line, file: file, reason: reason)
        return false
    }
}

extension AuditLog {
    /// Checks the hash, number and link of every line, and the end of the log against the head file.
    /// - Throws: an error when the file can't be read. A missing file is sound unless a head file exists.
    package func verify() throws(MMError) -> AuditVerification {
        // Read the head first: a line that another process appends meanwhile is then newer than the head, not missing.
        var chain = AuditChain(head: try AuditHead.load(beside: path))
        try lines { file, bytes in chain.take(bytes, of: file) }
        chain.finish()
        return chain.found
    }

    /// Returns the newest matching entries of the whole log.
    /// - Parameters:
    ///   - limit: the maximum number of entries.
    ///   - isIncluded: whether to include an entry.
    /// - Returns: the entries, oldest first.
    package func entries(limit: Int = 100, where isIncluded: (JSONObject) -> Bool = { _ in true }) throws(MMError)
        -> [JSONObject]
    {
        let limit = max(0, limit)
        var kept: [JSONObject] = []
        try lines { _, bytes in
            if let value = try? JSONParser.parse(bytes), let entry = value.object, isIncluded(entry) {
                kept.append(entry)
                // The array is trimmed rarely, because trimming moves all kept elements.
                if kept.count / 2 > limit { kept.removeFirst(kept.count - limit) }
            }
            return true
        }
        return Array(kept.suffix(limit))
    }

    /// Calls `each` with every line, without its newline, and the name of the full file that contains it, until `each`
    /// returns `false`. The files may be larger than memory.
    private func lines(_ each: (_ file: String?, ArraySlice<UInt8>) -> Bool) throws(MMError) {
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        try AuditParts(of: path).each { (file, full) throws(MMError) -> Bool in
            let name = full?.name
            var held: [UInt8] = []
            while true {
                let count = Glibc.read(file, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw FileFault.error(errno, "read", full?.path ?? path) }
                if count == 0 { break }
                var start = 0
                while let end = chunk[start..<count].firstIndex(of: 0x0A) {
                    held += chunk[start..<end]
                    start = end + 1
                    guard each(name, held[...]) else { return false }
                    held.removeAll(keepingCapacity: true)
                }
                held += chunk[start..<count]
            }
            return held.isEmpty || each(name, held[...])
        }
    }
}

/// The open files of an audit log, together with the number and hash that the next line continues from.
final class AuditFiles: Sendable {
    private struct OpenFiles: ~Copyable {
        var lock: HeldFile?
        var log: HeldFile?
        var head: HeldFile?
        /// The newest line and the file size right after it. If the file has grown since, another process has appended.
        var newest: (tail: AuditTail, size: Int)?
    }

    private let path: String
    /// The size at which the next line begins another file.
    private let limit: Int
    /// Serialises the writers of this process. Waiting for a mutex takes microseconds, polling for the file lock much
    /// longer.
    private let held = Mutex(OpenFiles())

    /// Creates the files for the log at `path`; opens nothing yet.
    init(path: String, limit: Int) {
        self.path = path
        self.limit = limit
    }

    /// Appends a line.
    /// - Parameters:
    ///   - isLocked: whether the caller already holds the log's lock; if not, the lock is taken for this call.
    ///   - seal: returns the bytes and hash of the line that continues the given tail.
    /// - Returns: `false`, with nothing appended, when another process holds the lock.
    func append(isLocked: Bool, _ seal: (AuditTail) -> (bytes: [UInt8], hash: String)) throws(MMError) -> Bool {
        try held.withLock { held throws(MMError) in
            guard !isLocked else {
                try add(&held, seal)
                return true
            }
            guard try lock(&held) else { return false }
            defer { unlock(&held) }
            try add(&held, seal)
            return true
        }
    }

    /// Waits until the lines of the current file are on disk. The lines of a file that is being set aside are synced
    /// then.
    func sync() throws(MMError) {
        let file = try held.withLock { held throws(MMError) -> Int32? in
            guard let number = held.log?.file.number else { return nil }
            let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else { throw FileFault.error(errno, "write to", path) }
            return copy
        }
        guard let file else { return }
        defer { close(file) }
        guard fdatasync(file) == 0 else { throw FileFault.error(errno, "write to", path) }
    }

    private func lock(_ held: inout OpenFiles) throws(MMError) -> Bool {
        let name = path + ".lock"
        if held.lock?.status(at: name) == nil { held.lock = try HeldFile(name, O_RDWR, to: "lock") }
        guard let number = held.lock?.file.number else { return false }
        return try FileLock.tryLock(number, path)
    }

    private func unlock(_ held: inout OpenFiles) {
        if let number = held.lock?.file.number { _ = flock(number, LOCK_UN) }
    }

    private func add(_ held: inout OpenFiles, _ seal: (AuditTail) -> (bytes: [UInt8], hash: String)) throws(MMError) {
        var size = held.log?.status(at: path).map { Int($0.st_size) }
        if size == nil {
            held.newest = nil
            held.log = try HeldFile(path, O_RDWR | O_APPEND, to: "write to")
            size = held.log?.status(at: path).map { Int($0.st_size) }
        }
        guard var size, var number = held.log?.file.number else { throw FileFault.error(ENOENT, "write to", path) }
        let tail: AuditTail
        if let newest = held.newest, newest.size == size {
            tail = newest.tail
        } else {
            // Another process has appended lines and left its name in the lock file.
            if let lock = held.lock?.file.number { FileLock.recordHolder(lock) }
            tail = try newest(number, size)
        }
        if size >= limit, try setAside(tail, &held), let new = held.log?.file.number { (size, number) = (0, new) }
        let (bytes, hash) = seal(tail)
        // A line that a crash cut short is left alone; the new one starts on its own line.
        let line = (tail.needsBreak ? [0x0A] : []) + bytes + [0x0A]
        held.newest = nil
        try ProtectedFile.write(line, to: number, path: path)
        var next = AuditTail()
        next.number = tail.number + 1
        next.hash = hash
        held.newest = (next, size + line.count)
        save(AuditHead(number: next.number, hash: hash), &held)
    }

    /// Renames a full file and begins the next one, in which the chain continues.
    /// - Returns: `false` if the file can't be set aside yet.
    private func setAside(_ tail: AuditTail, _ held: inout OpenFiles) throws(MMError) -> Bool {
        // A damaged end of a file is recorded by the next line, which must be in the same file.
        guard tail.number > 0, !tail.torn, !tail.needsBreak, !tail.lostHead else { return false }
        let name = AuditParts.name(path, last: tail.number)
        var status = stat()
        guard lstat(name, &status) != 0, errno == ENOENT, rename(path, name) == 0 else { return false }
        // After this, a caller that waits for its line to be on disk would wait for the new file.
        if let number = held.log?.file.number { _ = fdatasync(number) }
        held.newest = nil
        held.log = nil
        held.log = try HeldFile(path, O_RDWR | O_APPEND, to: "write to")
        return true
    }

    /// Reads the tail that the next line continues from the files.
    private func newest(_ number: Int32, _ size: Int) throws(MMError) -> AuditTail {
        var tail = try AuditTail.read(number, size: size, path)
        if tail.number == 0, let full = try AuditParts.full(of: path).last, let file = try AuditParts.open(full),
            let size = file.status().map({ Int($0.st_size) })
        {
            let before = try AuditTail.read(file.number, size: size, full.path)
            (tail.number, tail.hash) = (before.number, before.hash)
        }
        // A head that is ahead of the file means lines were removed or changed. Continuing from the head keeps that
        // visible.
        if let head = try AuditHead.load(beside: path) {
            if head.number > tail.number { (tail.number, tail.hash, tail.torn) = (head.number, head.hash, false) }
        } else {
            // The first line has no predecessor, and a process that died before it wrote the first head is harmless.
            tail.lostHead = tail.number > 1
        }
        return tail
    }

    /// Writes the head in place without waiting for the disk, because it is written for every operation, under the
    /// log's lock.
    ///
    /// A failed write leaves the head behind the log. That is allowed: a crash between the two writes has the same
    /// effect.
    private func save(_ head: AuditHead, _ held: inout OpenFiles) {
        let name = path + ".head"
        if held.head?.status(at: name) == nil { held.head = try? HeldFile(name, O_WRONLY, to: "write to") }
        guard let number = held.head?.file.number else { return }
        let text = head.text
        _ = pwrite(number, text, text.count, 0)
    }
}

/// The number and hash of an audit log's newest line, kept in a file beside the log.
struct AuditHead: Equatable {
    let number: Int64
    let hash: String

    /// Reads the head kept beside a log; returns `nil` when there is none or it was cut short.
    static func load(beside path: String) throws(MMError) -> AuditHead? {
        guard let bytes = try ProtectedFile.read(path + ".head", limit: 4096) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let number = Int64(words[0]), words[1].utf8.count == 64 else { return nil }
        return AuditHead(number: number, hash: String(words[1]))
    }

    /// The content of the head file, always the same length so that it can be overwritten in place.
    var text: [UInt8] {
        let digits = String(number).utf8
        var text = [UInt8](repeating: UInt8(ascii: "0"), count: max(0, 19 - digits.count))
        text.reserveCapacity(19 + hash.utf8.count + 2)
        text += digits
        text.append(UInt8(ascii: " "))
        text += hash.utf8
        text.append(UInt8(ascii: "\n"))
        return text
    }
}
