internal import MMCore
internal import MMSystem

/// Caches what was last read from the files, so that a call with a valid token costs only a look at the file's status. For a
/// service that stands alone it is what there is: nothing is read from files, or written there.
final class TokenCacheMemory: Sendable {
    private struct State {
        var documents: [String: (FileSignature, TokenCacheDocument)] = [:]
        var pins: [String: (FileSignature?, AccountPin?)] = [:]
        var ends: [String: (FileSignature, [SignInEnd])] = [:]
        var held: [String: HeldTokenCache] = [:]
    }

    private let state = Mutex(State())
    private let log: Log
    /// The form in which token files are stored.
    let seal: TokenSeal
    /// Whether tokens and pins of other processes are none of its service's, and its own are none of theirs.
    let isAlone: Bool

    init(log: Log, seal: TokenSeal = .plain, isAlone: Bool = false) {
        self.log = log
        self.seal = seal
        self.isAlone = isAlone
    }

    /// What holds the cache of a path; `nil` where it is a file.
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
        guard let before = FileSignature(file.path) else {
            // Nobody signs in only to learn that what comes of it can't be stored.
            try await file.checkSeal()
            return nil
        }
        if let (signature, document) = state.withLock({ $0.documents[file.path] }), signature == before {
            return document
        }
        // Someone may have loosened the file's permissions; close it to others before reading.
        if (try? ProtectedFile.tighten(file.path)) == true {
            log.scoped(file.connection).warning(
                "token cache was open to other users, now closed", ["path": .string(file.path)])
        }
        let document = try await file.readMigrating()
        if let document, FileSignature(file.path) == before {
            state.withLock { state in
                if state.documents.count >= Self.mostFiles { state.documents = [:] }
                state.documents[file.path] = (before, document)
            }
        }
        return document
    }

    /// Returns what was told of the end of a connection's sign-in. Nearly always there is no file.
    func ends(_ path: String) throws(MMError) -> [SignInEnd] {
        guard let before = FileSignature(path) else { return [] }
        if let (signature, ends) = state.withLock({ $0.ends[path] }), signature == before { return ends }
        let ends = try SignInEnd.read(path)
        state.withLock { $0.ends[path] = (before, ends) }
        return ends
    }

    /// Returns a connection's pin.
    func pin(_ store: PinStore, _ connection: String) throws(MMError) -> AccountPin? {
        if isAlone { return state.withLock { $0.pins[connection]?.1 } }
        let before = FileSignature(store.path)
        if let (signature, pin) = state.withLock({ $0.pins[connection] }), signature == before { return pin }
        let pin = try store.pin(of: connection)
        state.withLock { $0.pins[connection] = (before, pin) }
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
        state.withLock { $0.pins[connection] = (nil, pin) }
    }
}
