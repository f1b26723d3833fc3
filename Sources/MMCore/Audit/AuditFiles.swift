import Glibc

/// The files of an audit log, held open from one line to the next, and what the next line continues.
final class AuditFiles: Sendable {
    private struct Held: ~Copyable {
        var lock: HeldFile?
        var log: HeldFile?
        var head: HeldFile?
        /// The newest line, and the size of the file that ends with it: whoever adds another makes it longer.
        var newest: (tail: AuditTail, size: Int)?
    }

    private let path: String
    /// One writer at a time in this process: waiting for a turn takes microseconds, polling for the file's lock much longer.
    private let held = Mutex(Held())

    /// The files of the log at a path; nothing is opened yet.
    init(path: String) {
        self.path = path
    }

    /// Adds a line.
    /// - Parameters:
    ///   - isLocked: whether the caller holds the log's lock; else it is taken here.
    ///   - seal: makes the line that continues the newest one.
    /// - Returns: false when another process holds the lock; nothing was added then.
    func append(isLocked: Bool, _ seal: (AuditTail) -> (bytes: [UInt8], hash: String)) throws(MMError) -> Bool {
        try held.withLock { held throws(MMError) in
            guard !isLocked else {
                try add(&held, seal)
                return true
            }
            guard try take(&held) else { return false }
            defer { letGo(&held) }
            try add(&held, seal)
            return true
        }
    }

    private func take(_ held: inout Held) throws(MMError) -> Bool {
        let name = path + ".lock"
        if held.lock?.status(at: name) == nil { held.lock = try HeldFile(name, O_RDWR, to: "lock") }
        guard let number = held.lock?.file.number else { return false }
        return try FileLock.take(number, path)
    }

    private func letGo(_ held: inout Held) {
        if let number = held.lock?.file.number { _ = flock(number, LOCK_UN) }
    }

    private func add(_ held: inout Held, _ seal: (AuditTail) -> (bytes: [UInt8], hash: String)) throws(MMError) {
        var size = held.log?.status(at: path).map { Int($0.st_size) }
        if size == nil {
            held.newest = nil
            held.log = try HeldFile(path, O_RDWR | O_APPEND, to: "write to")
            size = held.log?.status(at: path).map { Int($0.st_size) }
        }
        guard let size, let number = held.log?.file.number else { throw FileFault.error(ENOENT, "write to", path) }
        let tail: AuditTail
        if let newest = held.newest, newest.size == size {
            tail = newest.tail
        } else {
            // Another process has added lines, and left its name in the lock.
            if let lock = held.lock?.file.number { FileLock.sign(lock) }
            tail = try newest(number, size)
        }
        let (bytes, hash) = seal(tail)
        // A line that a crash cut short stays as it is; the new one begins on a line of its own.
        let line = (tail.needsBreak ? [0x0A] : []) + bytes + [0x0A]
        held.newest = nil
        try ProtectedFile.write(line, to: number, path: path)
        var next = AuditTail()
        next.number = tail.number + 1
        next.hash = hash
        held.newest = (next, size + line.count)
        save(AuditHead(number: next.number, hash: hash), &held)
    }

    /// What the next line continues, from the files.
    private func newest(_ number: Int32, _ size: Int) throws(MMError) -> AuditTail {
        var tail = try AuditTail.read(number, size: size, path)
        // When the head is ahead of the file, lines were taken away or changed. Going on from the head keeps that visible.
        if let head = try AuditHead.load(beside: path), head.number > tail.number {
            (tail.number, tail.hash, tail.torn) = (head.number, head.hash, false)
        }
        return tail
    }

    /// Keeps the head, in place and without waiting for the disk: it is written for every operation, under the log's lock.
    ///
    /// One that can't be written stays behind the log, which is allowed: a crash between the two does the same.
    private func save(_ head: AuditHead, _ held: inout Held) {
        let name = path + ".head"
        if held.head?.status(at: name) == nil { held.head = try? HeldFile(name, O_WRONLY, to: "write to") }
        guard let number = held.head?.file.number else { return }
        let text = head.text
        _ = pwrite(number, text, text.count, 0)
    }
}
