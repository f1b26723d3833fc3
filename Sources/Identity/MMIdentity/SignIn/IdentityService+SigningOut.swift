public import MMCore
internal import MMSystem

extension IdentityService {
    /// Signs out: removes the connection's tokens from its cache, its pending sign-ins, and the private links that
    /// services gave it.
    /// - Parameters:
    ///   - connection: the connection that signs out.
    ///   - forgettingAccount: whether to remove the pin as well, so that another account may sign in next.
    ///   - deadline: when to give up waiting for other processes that hold the tokens.
    /// - Returns: the accounts that were signed in.
    /// - Throws: `.conflict` while another process holds the tokens; file errors.
    @discardableResult
    public func signOut(
        _ connection: Connection, forgettingAccount: Bool = false, deadline: Deadline = .after(.seconds(15))
    ) async throws(MMError) -> SignOutResult {
        try await signOut(named: connection.name, forgettingAccount: forgettingAccount, deadline: deadline)
    }

    /// Signs out the present or former connection of a name. It needs nothing else, so it works even when the entry is
    /// malformed or now points elsewhere, or when the sandbox is gone.
    @discardableResult
    package func signOut(
        named name: String, forgettingAccount: Bool = false, deadline: Deadline = .after(.seconds(15))
    ) async throws(MMError) -> SignOutResult {
        let files = TokenFiles(paths: paths, connection: name, memory: memory)
        try ProtectedFile.makeDirectory(paths.tokenDirectory)
        let lock = try await FileLock(awaiting: files.cache.path, until: deadline)
        // Remove codes first: approving one now would bring tokens back.
        for path in try files.pendingPaths() { try ProtectedFile.erase(path) }
        try files.eraseEnds()
        try ConnectionLinks.erase(of: name, paths: paths)
        let accounts = try await files.cache.clear(until: deadline)
        // An empty cache hides the one of an earlier program, whose file name isn't unique to this connection.
        if !FileStamp.mayExist(files.cache.path), let earlier = files.earlierCachePath, FileStamp.mayExist(earlier) {
            try ProtectedFile.replace(files.cache.path, with: TokenCacheDocument().bytes)
        }
        assertionTokens.forget(name)
        if forgettingAccount {
            let pins = files.pins
            try await BlockingWork.run { () throws(MMError) in try pins.unpin(name) }
        }
        _ = consume lock
        return SignOutResult(accounts: accounts)
    }

    /// Removes the tokens that a person obtained with another app than the entry's, and keeps those of the entry's app.
    /// - Parameter connection: the connection with that app in its entry.
    package func forget(appOf connection: Connection) async throws(MMError) {
        let target = try target(connection, .graph)
        // A cache that belongs to another program is left to that program.
        guard target.sharedCache == nil else { return }
        let files = files(target)
        try await files.cache.change(until: .after(.seconds(15))) { $0.removeTokens(ofApp: target.clientID) }
    }

    /// Renews a connection's tokens without its person, so that they carry permissions granted since they were issued.
    package func renewTokens(of connection: Connection, for resource: ServiceResource) async throws(MMError) {
        let deadline = Deadline.after(.seconds(30))
        let held = try await token(
            for: connection, resource: resource, options: TokenOptions(interaction: .never), deadline: deadline)
        _ = try await token(
            for: connection, resource: resource,
            options: TokenOptions(interaction: .never, refusedToken: held.secret, refusedAt: clock.now.seconds),
            deadline: deadline)
    }

    /// Returns an isolated service, for apps: it doesn't see the tokens of other processes, and keeps its own in memory
    /// only.
    package nonisolated func standingAlone() -> IdentityService {
        let service = IdentityService(
            paths: paths, environment: environment, transport: transport, direct: direct, clock: clock,
            configuration: configuration, methods: methods, log: log, isAlone: true, pause: pause)
        if let paces = sharedPaces.withLock({ $0 }) { service.share(paces) }
        if let explanation = consentAdvice.withLock({ $0 }) { service.explainConsent(by: explanation) }
        return service
    }

    /// Moves the pin of a connection that is renamed, replacing that of an earlier connection with the new name.
    package func movePin(from name: String, to newName: String) async throws(MMError) {
        let pins = PinStore(path: paths.pinFile)
        try await BlockingWork.run { () throws(MMError) in try pins.move(from: name, to: newName) }
    }
}

/// The result of a sign-out.
public struct SignOutResult: Sendable, Hashable {
    /// The accounts whose tokens were removed.
    public var accounts: [String] = []
}
