internal import MMCore
internal import MMSystem

/// Caches the content last read from the files, so that a call with a valid token costs only a look at the file's
/// status. For an isolated service it is the only store: no files are read or written.
final class TokenCacheMemory: Sendable {
    private struct State {
        var documents: [String: (FileStamp.Lookup, TokenCacheDocument)] = [:]
        var pins: [String: (FileStamp.Lookup, PinStore.Pins)] = [:]
        /// The pins of an isolated service.
        var ownPins: [String: AccountPin] = [:]
        var ends: [String: (FileStamp.Lookup, [SignInEnd])] = [:]
        var held: [String: HeldTokenCache] = [:]
        var flows: [String: (FileStamp, [String])] = [:]
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

    /// Returns the names of the pending sign-ins in a token folder, and of their drafts. The folder has a few files for
    /// each connection, so it isn't listed again for each of a thousand.
    func flows(in directory: String) throws(MMError) -> [String] {
        let found = FileStamp.folder(directory)
        if let found, let (known, names) = state.withLock({ $0.flows[directory] }), known == found { return names }
        let names = try FolderListing.names(in: directory).filter { $0.contains(".flow.json") }
        if let found, found.isStable, FileStamp.folder(directory) == found {
            state.withLock { $0.flows[directory] = (found, names) }
        }
        return names
    }

    /// Returns a connection's pin.
    func pin(_ store: PinStore, _ connection: String) throws(MMError) -> AccountPin? {
        if isAlone { return state.withLock { $0.ownPins[connection] } }
        let found = FileStamp.lookUp(store.path)
        if let (known, pins) = state.withLock({ $0.pins[store.path] }), known == found {
            return try pins.pin(of: connection)
        }
        let pins = try store.pins()
        if found != .undetermined { state.withLock { $0.pins[store.path] = (found, pins) } }
        return try pins.pin(of: connection)
    }

    /// Pins a connection to an account, unless it is already pinned.
    func pin(
        _ store: PinStore, _ connection: String, to account: SignedInAccount, now: Timestamp
    ) async throws(MMError) {
        guard isAlone else {
            return try await BlockingWork.run { () throws(MMError) in try store.pin(connection, to: account, now: now) }
        }
        let pin = AccountPin(tenantId: account.tenantID, objectId: account.objectID, username: account.username)
        state.withLock { $0.ownPins[connection] = pin }
    }
}
