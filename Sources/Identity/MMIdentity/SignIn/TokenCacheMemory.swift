internal import MMCore
internal import MMSystem

/// Caches the content last read from the files, so that a call with a valid token costs only a look at the file's
/// status. For an isolated service it is the only store: no files are read or written.
final class TokenCacheMemory: Sendable {
    private struct State {
        var documents: [String: (FileStamp.Lookup, TokenCacheDocument)] = [:]
        var pins: [String: (FileStamp.Lookup, AccountPin?)] = [:]
        var ends: [String: (FileStamp.Lookup, [SignInEnd])] = [:]
        var held: [String: HeldTokenCache] = [:]
    }

    private let state = Mutex(State())
    private let log: Log
    /// The form in which token files are stored.
    let seal: TokenSeal
    /// Whether the service is isolated: it shares no tokens and pins with other processes.
    let isAlone: Bool

    init(log: Log, seal: TokenSeal, isAlone: Bool) {
        self.log = log
        self.seal = seal
        self.isAlone = isAlone
    }

    /// Returns the cache in memory for a path; `nil` where the cache is a file.
    func held(_ path: String) -> HeldTokenCache? {
        guard isAlone else { return nil }
        return state.withLock { state in
            if let held = state.held[path] { return held }
            let held = HeldTokenCache()
            state.held[path] = held
            return held
        }
    }

    private static let mostFiles = 512

    /// Returns a cache's content; `nil` when there is no file.
    func document(_ file: TokenCacheFile) async throws(MMError) -> TokenCacheDocument? {
        if let held = file.held { return held.document }
        let found = FileStamp.lookUp(file.path)
        guard found != .missing else {
            // Fail before a person signs in, not when the new tokens can't be stored.
            try await file.checkSeal()
            return nil
        }
        if let (known, document) = state.withLock({ $0.documents[file.path] }), known == found { return document }
        // The file's permissions may have been loosened; close it to others before reading.
        if (try? ProtectedFile.tighten(file.path)) == true {
            log.scoped(file.connection).warning(
                "token cache was open to other users, now closed", ["path": .string(file.path)])
        }
        let document = try await file.readMigrating()
        if let document, found != .undetermined, FileStamp.lookUp(file.path) == found {
            state.withLock { state in
                if state.documents.count >= Self.mostFiles { state.documents = [:] }
                state.documents[file.path] = (found, document)
            }
        }
        return document
    }

    /// Returns the reported ends of a connection's sign-in. Usually there is no file.
    func ends(_ path: String) throws(MMError) -> [SignInEnd] {
        let found = FileStamp.lookUp(path)
        guard found != .missing else { return [] }
        if let (known, ends) = state.withLock({ $0.ends[path] }), known == found { return ends }
        let ends = try SignInEnd.read(path)
        if found != .undetermined { state.withLock { $0.ends[path] = (found, ends) } }
        return ends
    }

    /// Returns a connection's pin.
    func pin(_ store: PinStore, _ connection: String) throws(MMError) -> AccountPin? {
        if isAlone { return state.withLock { $0.pins[connection]?.1 } }
        let found = FileStamp.lookUp(store.path)
        if let (known, pin) = state.withLock({ $0.pins[connection] }), known == found { return pin }
        let pin = try store.pin(of: connection)
        if found != .undetermined { state.withLock { $0.pins[connection] = (found, pin) } }
        return pin
    }

    /// Pins a connection to an account, unless it is already pinned.
    func pin(
        _ store: PinStore, _ connection: String, to account: SignedInAccount, now: Timestamp
    ) async throws(MMError) {
        guard isAlone else {
            return try await BlockingWork.run { () throws(MMError) in try store.pin(connection, to: account, now: now) }
        }
        let pin = AccountPin(tenantId: account.tenantID, objectId: account.objectID, username: account.username)
        state.withLock { $0.pins[connection] = (.missing, pin) }
    }
}
