import Glibc

/// A lock between processes on a file (`PATH.lock`, 0600, beside it), held for the lifetime of this value.
///
/// It is a kernel lock (flock(2)), so it ends with its process whatever happens; the lock file stays and names the last
/// holder. Threads of one process exclude each other as well. A lock file may be removed only by who holds its lock.
package struct FileLock: ~Copyable {
    private let file: HeldFile

    deinit {
        // Closing isn't enough: a program that another thread is starting has a copy of the descriptor until it runs.
        flock(file.file.number, LOCK_UN)
    }

    /// Acquires the lock, blocking this thread; for command lines and dedicated threads, never for the cooperative
    /// pool.
    /// - Parameters:
    ///   - path: the file to lock.
    ///   - deadline: when to give up.
    /// - Throws: `conflict`, naming the holder, when the deadline passes.
    package init(waitingFor path: String, until deadline: Deadline = .after(.seconds(10))) throws(MMError) {
        var file = try Self.open(path)
        var pause = Duration.milliseconds(1)
        while try !Self.acquire(&file, path) {
            guard !deadline.hasPassed else { throw Self.busy(path) }
            var wait = timespec(tv_sec: 0, tv_nsec: Int(min(pause, max(deadline.remaining, .zero)) / .nanoseconds(1)))
            nanosleep(&wait, nil)
            pause = min(pause * 2, .milliseconds(50))
        }
        Self.recordHolder(file.file.number)
        self.file = file
    }

    /// Acquires the lock, suspending instead of blocking a thread.
    /// - Parameters:
    ///   - path: the file to lock.
    ///   - deadline: when to give up.
    /// - Throws: `conflict`, naming the holder, when the deadline passes; `cancelled` when the task is cancelled.
    package init(
        awaiting path: String, until deadline: Deadline = .after(.seconds(10))
    ) async throws(MMError) {
        var file = try Self.open(path)
        var pause = Duration.milliseconds(1)
        while try !Self.acquire(&file, path) {
            guard !deadline.hasPassed else { throw Self.busy(path) }
            do {
                try await Task.sleep(for: min(pause, max(deadline.remaining, .zero)))
            } catch {
                throw MMError(.cancelled, "Cancelled while waiting for \(path), which another process holds.")
            }
            pause = min(pause * 2, .milliseconds(50))
        }
        Self.recordHolder(file.file.number)
        self.file = file
    }

    /// Acquires the lock if it is free.
    /// - Returns: `nil` when someone else holds it.
    package static func tryAcquire(_ path: String) throws(MMError) -> FileLock? {
        var file = try open(path)
        let end = Deadline.after(.seconds(1))
        while try !acquire(&file, path) {
            guard share(file.file.number), !end.hasPassed else { return nil }
            // Whoever asks for the holder shares the lock for a moment.
            flock(file.file.number, LOCK_UN)
            usleep(100)
        }
        recordHolder(file.file.number)
        return FileLock(file)
    }

    private init(_ file: consuming HeldFile) {
        self.file = file
    }

    /// Runs `body` under the lock, blocking this thread until the lock is free.
    package static func with<Result>(
        _ path: String, until deadline: Deadline = .after(.seconds(10)), _ body: () throws(MMError) -> Result
    ) throws(MMError) -> Result {
        let lock = try FileLock(waitingFor: path, until: deadline)
        let result = try body()
        _ = consume lock
        return result
    }

    /// Returns who holds the lock on a file, such as "process 4711 (mm-mcp)"; `nil` when nobody does.
    package static func holder(of path: String) -> String? {
        guard let place = try? FileLocation.resolve(path + ".lock", creating: false),
            let file = try? place.open(O_RDWR, to: "lock")
        else { return nil }
        if share(file.number) { return nil }
        return recordedHolder(path) ?? "another process"
    }

    private static func open(_ path: String) throws(MMError) -> HeldFile {
        try HeldFile(path + ".lock", O_RDWR, to: "lock")
    }

    /// Tries to lock a lock file. One that was removed since it was opened excludes nobody, so its successor is locked.
    private static func acquire(_ file: inout HeldFile, _ path: String) throws(MMError) -> Bool {
        while try tryLock(file.file.number, path) {
            if file.status(at: path + ".lock") != nil { return true }
            file = try open(path)
        }
        return false
    }

    /// Tries to share a lock, which is possible unless somebody holds it.
    private static func share(_ number: Int32) -> Bool { flock(number, LOCK_SH | LOCK_NB) == 0 }

    /// Tries to lock an open lock file.
    /// - Returns: `false` when someone else holds the lock.
    static func tryLock(_ number: Int32, _ path: String) throws(MMError) -> Bool {
        while flock(number, LOCK_EX | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            guard errno == EINTR else { throw FileFault.error(errno, "lock", path) }
        }
        return true
    }

    /// Writes this process's id and name into the lock file. They only inform people (the lock itself is the kernel's),
    /// so errors such as a full disk are ignored.
    static func recordHolder(_ number: Int32) {
        let text = Array("\(getpid()) \(ProcessName.own)\n".utf8)
        // Overwrite, then truncate: ext4 flushes a file that was truncated to zero when it is closed.
        _ = pwrite(number, text, text.count, 0)
        _ = ftruncate(number, off_t(text.count))
    }

    private static func recordedHolder(_ path: String) -> String? {
        guard let bytes = try? ProtectedFile.read(path + ".lock", limit: 4096) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard let number = words.first.flatMap({ pid_t($0) }) else { return nil }
        return "process \(number)" + (words.count > 1 ? " (\(words[1]))" : "")
    }

    private static func busy(_ path: String) -> MMError {
        let holder = recordedHolder(path) ?? "another process"
        return MMError(
            .conflict, "\(path) is held by \(holder).",
            hint: "Try again in a moment; if the lock persists, check that process.", retry: .now,
            details: ["path": .string(path)])
    }
}

/// The name of this process in lock files and logs.
enum ProcessName {
    /// The program's file name, as the kernel reports it.
    static let own: String = {
        let bytes = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
            let number = Glibc.open("/proc/self/comm", O_RDONLY | O_CLOEXEC)
            guard number >= 0 else {
                count = 0
                return
            }
            count = max(0, Glibc.read(number, buffer.baseAddress, buffer.count))
            close(number)
        }
        let name = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        return name.isEmpty ? "unknown" : name
    }()
}
