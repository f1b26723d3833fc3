import Glibc
internal import MMCore
internal import MMSystem

/// A connection's token cache on disk: read and replaced as a whole, and changed under MSAL's own lock. For an isolated
/// service (`TokenCacheMemory.isAlone`) the path is only a name, and the cache is kept in memory.
///
/// A file that can't be parsed is reported and left alone, because it may hold the only refresh token.
struct TokenCacheFile: Sendable {
    /// The maximum size in bytes; MSAL caches of thousands of accounts stay far below it.
    static let limit = 16 << 20

    /// The path of the cache.
    let path: String
    /// The connection that it belongs to, for messages.
    let connection: String
    /// The form in which it is stored.
    var seal = TokenSeal.plain
    /// The cache in memory that replaces the file; `nil` where the file is used.
    var held: HeldTokenCache?

    /// Reads the cache.
    /// - Returns: `nil` when there is no file.
    /// - Throws: what is wrong with the file and how to repair it.
    func read() async throws(MMError) -> TokenCacheDocument? { try await load()?.document }

    /// Reads the cache, and stores it in the form that the environment chooses if it is in the other one.
    func readMigrating() async throws(MMError) -> TokenCacheDocument? {
        guard let (document, isSealed) = try await load() else { return nil }
        guard isSealed != seal.isOn else { return document }
        let lock = try await TokenCacheLock(awaiting: path, until: .after(.seconds(10)))
        // Read again: another process may have changed or migrated it meanwhile.
        let current = try await load()
        if let current, current.isSealed != seal.isOn { try await write(current.document) }
        _ = consume lock
        return current?.document
    }

    /// Checks that a new cache could be stored in the chosen form.
    func checkSeal() async throws(MMError) {
        do {
            try await seal.check()
        } catch {
            throw unusable(error)
        }
    }

    private var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    private func write(_ document: TokenCacheDocument) async throws(MMError) {
        let bytes: [UInt8]
        do {
            if seal.isOn { try await seal.prepare() }
            bytes = try seal.stored(document.bytes, name: name)
        } catch {
            throw unusable(error)
        }
        let path = path
        try await BlockingWork.run { () throws(MMError) in try ProtectedFile.replace(path, with: bytes) }
    }

    private func load() async throws(MMError) -> (document: TokenCacheDocument, isSealed: Bool)? {
        if let held { return (held.document, seal.isOn) }
        var attempts = 3
        while true {
            let bytes: [UInt8]?
            do {
                bytes = try ProtectedFile.read(path, limit: Self.limit)
            } catch {
                throw unusable(error.message, code: error.code, hint: error.hint, cause: error.cause)
            }
            guard let bytes else { return nil }
            let isSealed = TokenSeal.isSealed(bytes)
            let plain: [UInt8]
            do {
                if isSealed || seal.isOn { try await seal.prepare() }
                plain = try seal.plain(bytes, name: name)
            } catch {
                throw unusable(error)
            }
            do {
                return (try TokenCacheDocument(plain), isSealed)
            } catch {
                // Without its extensions package, MSAL writes in place without a lock, so half a file may be one that
                // is being written.
                if error.isEmpty, attempts == 0 || !wasJustWritten { return (TokenCacheDocument(), isSealed) }
                guard attempts > 0 else { throw unusable("\(path): \(error.text).", code: .invalidInput) }
                attempts -= 1
                do { try await Task.sleep(for: .milliseconds(500)) } catch {
                    throw MMError(.cancelled, "Cancelled while reading \(path).")
                }
            }
        }
    }

    /// Whether another process may still be writing the file.
    private var wasJustWritten: Bool {
        guard case .file(let mark) = FileStamp.lookUp(path) else { return true }
        return Timestamp.now - mark.modified < .seconds(5)
    }

    /// Changes the cache: locks it, reads it again, changes and replaces it.
    /// - Parameters:
    ///   - deadline: when to give up waiting for the lock.
    ///   - change: edits the content; it gets an empty cache when there is no file.
    func change(until deadline: Deadline, _ change: (inout TokenCacheDocument) -> Void) async throws(MMError) {
        if let held { return held.change(change) }
        try ProtectedFile.makeDirectory(folder)
        let lock = try await TokenCacheLock(awaiting: path, until: deadline)
        var document = try await read() ?? TokenCacheDocument()
        let before = document
        change(&document)
        if document != before {
            try await write(document)
        }
        _ = consume lock
    }

    /// Removes all tokens, for every app, along with the drafts of killed writers. A file that can't be parsed is
    /// removed whole, because a sign-out must not leave tokens behind.
    /// - Returns: the names of the accounts that had tokens, as far as they are known.
    func clear(until deadline: Deadline) async throws(MMError) -> [String] {
        if let held { return held.change { $0.removeTokens() } }
        let lock = try await TokenCacheLock(awaiting: path, until: deadline)
        var names: [String] = []
        if FileStamp.mayExist(path) {
            var document = try? await read()
            names = document?.removeTokens() ?? []
            let (path, rest) = (path, document)
            try await BlockingWork.run { () throws(MMError) in try ProtectedFile.erase(path) }
            if let rest { try await write(rest) }
        } else {
            try ProtectedFile.erase(path)
        }
        _ = consume lock
        return names
    }

    private var folder: String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    private func unusable(_ fault: TokenSeal.Fault) -> MMError {
        let what = "\(path) \(fault.text)."
        if fault.isDamage { return unusable(what, code: .invalidInput) }
        // A locked or misplaced key is no reason to give up the sign-in.
        return unusable(what, code: .invalidInput, hint: fault.hint, remedy: "If the key is lost for good,")
    }

    /// Returns the error for a file that can't be used.
    /// - Parameter remedy: the beginning of the sentence that ends with a new sign-in.
    private func unusable(
        _ what: String, code: MMErrorCode, hint: String? = nil,
        remedy: String = "Restore it from a copy, or remove it and", cause: String? = nil
    ) -> MMError {
        let name = ShellWord.quoted(connection)
        let remedy = "Nothing was changed. \(remedy) sign in again: mm logout \(name), then mm login \(name)."
        return MMError(
            code, "The token cache of \(connection) can't be used: \(what)",
            hint: hint.map { "\($0) \(remedy)" } ?? remedy,
            details: ["connection": .string(connection), "path": .string(path)], cause: cause)
    }
}

/// A token cache that is kept in memory only, for the lifetime of the service that holds it.
final class HeldTokenCache: Sendable {
    private let state = Mutex(TokenCacheDocument())

    /// The content of the cache.
    var document: TokenCacheDocument { state.withLock { $0 } }

    /// Changes the content of the cache.
    func change<Result>(_ change: (inout TokenCacheDocument) -> Result) -> Result {
        state.withLock { document in change(&document) }
    }
}

/// The lock that MSAL's extensions use for a token cache: a file `CACHE.lockfile`, created exclusively, that holds the
/// owner's process id and is locked with flock(2) (microsoft-authentication-extensions-for-python, `cache_lock.py`).
///
/// It is held only while reading, changing and writing. A process that dies leaves the file behind. Once the kernel's
/// lock on it is free, another process may take it over: at once if this program created it (this program always holds
/// the kernel's lock) or if its process is gone, and after a minute if it names no process.
struct TokenCacheLock: ~Copyable {
    private let descriptor: Int32
    private let path: String

    /// Acquires the lock.
    /// - Parameters:
    ///   - cache: the path of the token cache; its folder exists.
    ///   - deadline: when to give up.
    /// - Throws: `conflict`, naming the file, when the deadline passes; `cancelled`.
    init(awaiting cache: String, until deadline: Deadline) async throws(MMError) {
        path = cache + ".lockfile"
        while true {
            if let made = try Self.make(path, beside: cache) {
                descriptor = made
                return
            }
            if let taken = try Self.takeOver(path) {
                descriptor = taken
                return
            }
            guard !deadline.hasPassed else {
                throw MMError(
                    .conflict, "The token cache is locked: \(path) belongs to another process.",
                    hint: "Try again in a moment. If no program uses the cache, remove that file.", retry: .now)
            }
            do {
                try await Task.sleep(for: .milliseconds(20))
            } catch {
                throw MMError(.cancelled, "Cancelled while waiting for \(path), which another process holds.")
            }
        }
    }

    deinit {
        // Remove the file before releasing the kernel's lock, so that a process waiting for this very file notices that
        // its name is gone.
        unlink(path)
        close(descriptor)
    }

    private static let marker = "mm-tokens"

    /// Creates the file, already locked when it becomes visible: it is written under another name first.
    private static func make(_ path: String, beside cache: String) throws(MMError) -> Int32? {
        if access(path, F_OK) == 0 { return nil }
        let draft = draftPath(beside: cache)
        let number = open(draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw fault(errno, path) }
        flock(number, LOCK_EX | LOCK_NB)
        sign(number)
        let linked = link(draft, path)
        let reason = errno
        unlink(draft)
        if linked == 0 { return number }
        close(number)
        if reason == EEXIST { return nil }
        // Without hard links the file is created in place. If this process dies between the two steps, others wait a
        // minute.
        guard reason == EPERM || reason == EOPNOTSUPP || reason == ENOSYS else { throw fault(reason, path) }
        let direct = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard direct >= 0 else {
            if errno == EEXIST { return nil }
            throw fault(errno, path)
        }
        flock(direct, LOCK_EX | LOCK_NB)
        sign(direct)
        return direct
    }

    /// Takes over and locks the file of a process that is gone; returns `nil` while another process holds it.
    private static func takeOver(_ path: String) throws(MMError) -> Int32? {
        let number = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else {
            if errno == ENOENT { return nil }
            throw fault(errno, path)
        }
        var opened = stat()
        var named = stat()
        guard flock(number, LOCK_EX | LOCK_NB) == 0, fstat(number, &opened) == 0, lstat(path, &named) == 0,
            opened.st_ino == named.st_ino, opened.st_dev == named.st_dev, isStale(number, opened)
        else {
            close(number)
            return nil
        }
        sign(number)
        return number
    }

    private static func isStale(_ number: Int32, _ status: stat) -> Bool {
        let bytes = [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
            count = max(0, pread(number, buffer.baseAddress, buffer.count, 0))
        }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ", maxSplits: 1)
        if words.count == 2, words[1].hasPrefix(marker) { return true }
        if let process = words.first.flatMap({ pid_t($0) }), process > 0 {
            return kill(process, 0) != 0 && errno == ESRCH
        }
        // Its creator may be about to write its process id.
        return Timestamp.now.seconds - Int64(status.st_mtim.tv_sec) > 60
    }

    private static func sign(_ number: Int32) {
        let text = Array("\(getpid()) \(marker)".utf8)
        // Writing before truncating keeps the marker complete: if this process dies in between, others needn't wait a
        // minute.
        _ = pwrite(number, text, text.count, 0)
        _ = ftruncate(number, off_t(text.count))
    }

    /// Returns the path of a draft, named like a draft of the cache itself, so that the next replacement of the cache
    /// also removes what a dead process left.
    private static func draftPath(beside cache: String) -> String {
        let slash = cache.lastIndex(of: "/").map { cache.index(after: $0) } ?? cache.startIndex
        return "\(cache[..<slash]).\(cache[slash...]).mm-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    }

    private static func fault(_ number: Int32, _ path: String) -> MMError {
        FileFault.error(number, "lock the token cache with", path)
    }
}
