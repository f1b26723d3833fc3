import Glibc
internal import MMCore
internal import MMSystem

/// A connection's token cache on disk: read and replaced as a whole, and changed under MSAL's own lock.
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

    /// Checks that a new cache could be stored in its form.
    func checkSeal() async throws(MMError) {
        do {
            try await seal.check()
        } catch {
            throw unusable("\(path) \(error.text).", code: .invalidInput, hint: error.hint)
        }
    }

    private var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    private func write(_ document: TokenCacheDocument) async throws(MMError) {
        let bytes: [UInt8]
        do {
            if seal.isOn { try await seal.prepare() }
            bytes = try seal.stored(document.bytes, name: name)
        } catch {
            throw unusable("\(path) \(error.text).", code: .invalidInput, hint: error.hint)
        }
        let path = path
        try await BlockingWork.run { () throws(MMError) in try ProtectedFile.replace(path, with: bytes) }
    }

    private func load() async throws(MMError) -> (document: TokenCacheDocument, isSealed: Bool)? {
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
                throw unusable("\(path) \(error.text).", code: .invalidInput, hint: error.hint)
            }
            do {
                return (try TokenCacheDocument(plain), isSealed)
            } catch {
                // Where its extensions are missing, MSAL writes in place without a lock, so half a file may be one that
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
        let lock = try await TokenCacheLock(awaiting: path, until: deadline)
        var names: [String] = []
        if FileSignature(path) != nil {
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

    private func unusable(_ what: String, code: MMErrorCode, hint: String? = nil, cause: String? = nil) -> MMError {
        let remedy =
            "Nothing was changed. Put a good copy in its place, or remove it and sign in again: mm logout "
            + "\(ShellWord.quoted(connection)), "
            + "then mm login \(ShellWord.quoted(connection))."
        return MMError(
            code, "The token cache of \(connection) can't be used: \(what)",
            hint: hint.map { "\($0) \(remedy)" } ?? remedy,
            details: ["connection": .string(connection), "path": .string(path)], cause: cause)
    }
}
