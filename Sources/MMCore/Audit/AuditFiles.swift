import Glibc

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
    /// How large a file gets before the next line begins another one.
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

    /// Gives a full file its own name, and begins the next one. The chain goes on in it.
    /// - Returns: `false` where the full file stays the one that grows.
    private func setAside(_ tail: AuditTail, _ held: inout OpenFiles) throws(MMError) -> Bool {
        // What is wrong with the end of a file is told by the line behind it, in the same file.
        guard tail.number > 0, !tail.torn, !tail.needsBreak, !tail.lostHead else { return false }
        let name = AuditParts.name(path, last: tail.number)
        var status = stat()
        guard lstat(name, &status) != 0, errno == ENOENT, rename(path, name) == 0 else { return false }
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
            // The first line has none before it; a process that died between the two writes of it is no reason to worry.
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

    init(number: Int64, hash: String) {
        self.number = number
        self.hash = hash
    }

    /// Reads the head kept beside a log; returns `nil` when there is none or it was cut short.
    static func load(beside path: String) throws(MMError) -> AuditHead? {
        guard let bytes = try ProtectedFile.read(path + ".head", limit: 4096) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let number = Int64(words[0]), words[1].utf8.count == 64 else { return nil }
        return AuditHead(number: number, hash: String(words[1]))
    }

    /// The content of the head file, always the same length so that it can be overwritten in place.
    var text: [UInt8] {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 19 - digits.utf8.count)) + digits
        return Array("\(padded) \(hash)\n".utf8)
    }
}
