import MMCore
import MMSystem

/// The files of one connection's sign-in: cache, pending sign-ins and pin.
struct TokenFiles: Sendable {
    let directory: String
    let names: TokenFileName
    private(set) var cache: TokenCacheFile
    /// The path of the lock that is held while the sign-in is renewed.
    private var lockPath: String
    /// Whether the cache is another program's, which this connection shares.
    private(set) var isShared = false
    let pins: PinStore
    let memory: TokenCacheMemory

    init(paths: StatePaths, connection: String, memory: TokenCacheMemory) {
        directory = paths.tokenDirectory
        names = TokenFileName(connection: connection)
        cache = TokenCacheFile(
            path: "\(paths.tokenDirectory)/\(names.cache)", connection: connection, seal: memory.seal)
        cache.held = memory.held(cache.path)
        lockPath = cache.path
        pins = PinStore(path: paths.pinFile)
        self.memory = memory
    }

    /// Creates the files of a connection according to its entry.
    init(paths: StatePaths, target: SignInTarget, memory: TokenCacheMemory) {
        self.init(paths: paths, connection: target.connection, memory: memory)
        guard let path = target.sharedCache, !memory.isAlone else { return }
        isShared = true
        // The other program doesn't support encryption, and all connections that share its file must renew one at a
        // time.
        cache = TokenCacheFile(path: path, connection: target.connection, seal: .plain)
        let digest = Hex.text(SHA256.digest(Array(path.utf8)).prefix(8))
        lockPath = "\(paths.tokenDirectory)/shared-\(digest).json"
    }

    /// The content of a cache for a connection, with the rules for choosing the account.
    struct Snapshot: Sendable {
        let view: TokenCacheView
        let check: IdentityCheck
        /// Whether it was read from an earlier program's cache, which has another name.
        let isFromEarlierCache: Bool

        /// Returns the account that the connection stands for; `nil` when no account has signed in.
        /// - Throws: an error when the pinned account has another name, or when several accounts match.
        func account() throws(MMError) -> TokenCacheView.Account? {
            let all = view.accounts
            if let pin = check.pin {
                guard let pinned = all.first(where: { pin.covers($0.account) }) else { return nil }
                if let refusal = check.refusal(of: pinned.account) { throw refusal }
                return pinned
            }
            let fitting = all.filter { check.refusal(of: $0.account) == nil }
            guard fitting.count > 1 else { return fitting.first }
            throw MMError(
                .conflict,
                "The token cache of \(check.target.connection) contains several accounts: "
                    + fitting.map { Self.title(of: $0.account, among: fitting) }.joined(separator: ", ") + ".",
                hint: "Choose one: mm connections edit \(ShellWord.quoted(check.target.connection)) "
                    + "expectedEmail=NAME, or homeAccountId=ID if the names are the same.",
                details: [
                    "connection": .string(check.target.connection),
                    "accounts": .array(
                        fitting.map {
                            [
                                "username": .string($0.account.username),
                                "homeAccountId": .string($0.account.homeAccountID),
                            ]
                        }),
                ])
        }

        /// Returns the account's name, followed by its home account id if another account has the same name.
        private static func title(of account: SignedInAccount, among all: [TokenCacheView.Account]) -> String {
            let hasNamesake = all.contains {
                $0.account.homeAccountID != account.homeAccountID
                    && SignedInAccount.sameName($0.account.username, account.username)
            }
            return hasNamesake ? "\(account.username) (\(account.homeAccountID))" : account.username
        }
    }

    /// The path of the cache that an earlier program created for this connection under another name.
    var earlierCachePath: String? {
        isShared || memory.isAlone ? nil : names.earlierCache.map { "\(directory)/\($0)" }
    }

    /// Reads the current cache. From an earlier program's cache, whose name several connections may share, only the
    /// account that the connection names is used.
    func snapshot(_ target: SignInTarget) async throws(MMError) -> Snapshot {
        let pin = try pin(of: target)
        var document = try await memory.document(cache)
        var isFromEarlierCache = false
        if document == nil, let path = earlierCachePath, pin != nil || target.expectedEmail != nil {
            document = try await memory.document(
                TokenCacheFile(path: path, connection: target.connection, seal: memory.seal))
            isFromEarlierCache = document != nil
        }
        let view = TokenCacheView(
            document: document ?? TokenCacheDocument(), clientID: target.cacheClient ?? target.clientID,
            authority: target.authority,
            foundTenantID: pin?.tenantId ?? target.foundTenantID)
        return Snapshot(
            view: view, check: IdentityCheck(target: target, pin: pin), isFromEarlierCache: isFromEarlierCache)
    }

    /// Returns the identity that the connection is pinned to; a pin in the registry takes precedence over that of the
    /// first sign-in.
    func pin(of target: SignInTarget) throws(MMError) -> AccountPin? {
        if let pin = target.registryPin { return pin }
        guard let pin = try memory.pin(pins, target.connection) else { return nil }
        // A pin to another tenant stems from before the connection was pointed elsewhere.
        if let tenantID = target.authority.tenantID, tenantID != pin.tenantId.lowercased() { return nil }
        return pin
    }

    /// Pins the connection to an account, unless it is already pinned.
    func pin(_ target: SignInTarget, _ account: SignedInAccount, now: Timestamp) async throws(MMError) {
        guard try pin(of: target)?.objectId == nil else { return }
        try await memory.pin(pins, target.connection, to: account, now: now)
    }

    /// Acquires the lock that keeps other processes from renewing the sign-in; an isolated service needs none.
    func locked(until deadline: Deadline) async throws(MMError) -> FileLock? {
        memory.isAlone ? nil : try await FileLock(awaiting: lockPath, until: deadline)
    }

    /// Renews the sign-in under its lock, unless another process holds the lock.
    func unlessRenewed(_ work: () async throws(MMError) -> Void) async throws(MMError) {
        if memory.isAlone { return try await work() }
        guard let lock = try FileLock.tryAcquire(lockPath) else { return }
        try await work()
        _ = consume lock
    }

    /// Returns the file of the pending sign-in for a resource.
    func pending(_ target: SignInTarget, _ resource: ServiceResource) -> PendingFile {
        PendingFile(
            path: "\(directory)/\(names.pending(resource))", identity: target.identity + [resource.name],
            seal: memory.seal)
    }

    /// A sign-in that awaits a person, or did so, and the service that its first token is for.
    struct StoredSignIn: Sendable {
        let pending: PendingSignIn
        let file: PendingFile
        let resource: ServiceResource
    }

    /// Returns the connection's stored sign-ins for all services.
    func signIns(of target: SignInTarget) throws(MMError) -> [StoredSignIn] {
        let there = try memory.flows(in: directory)
        var resources = ServiceResource.plain.filter { there.contains(names.pending($0)) }
        for name in there where names.furtherPending(of: name) == name {
            let file = PendingFile(path: "\(directory)/\(name)", identity: target.identity, seal: memory.seal)
            if let resource = try file.resource() { resources.append(resource) }
        }
        var found: [StoredSignIn] = []
        for resource in resources {
            let file = pending(target, resource)
            if let pending = try file.read() {
                found.append(StoredSignIn(pending: pending, file: file, resource: resource))
            }
        }
        return found
    }

    /// Removes those of the connection's stored sign-ins that meet a condition.
    func removeSignIns(of target: SignInTarget, where isObsolete: (PendingSignIn) -> Bool) throws(MMError) {
        for stored in try signIns(of: target) where isObsolete(stored.pending) { try stored.file.remove() }
    }

    /// Removes the stored sign-ins that a new sign-in makes obsolete: all but those with claims that a service demands.
    func removeObsoleteSignIns(of target: SignInTarget) throws(MMError) {
        try removeSignIns(of: target) { $0.outcome != nil || $0.claims == nil }
    }

    /// Returns the paths of all possible pending sign-ins of the connection: one per resource, and one per SharePoint
    /// host or API for which the folder holds one.
    func pendingPaths() throws(MMError) -> [String] {
        let plain = ServiceResource.plain.map { names.pending($0) }
        let hosts = try memory.flows(in: directory).compactMap { names.furtherPending(of: $0) }
        return Set(plain + hosts).sorted().map { "\(directory)/\($0)" }
    }
}

/// The names of a connection's files in the token folder.
///
/// The plain names, `SAFE.json` and `SAFE.flow.json`, are used whenever they identify one connection. If a name had to
/// be changed to be safe, a digest is added: otherwise `A.B` and `A_B` would share a file and each other's accounts.
struct TokenFileName: Sendable, Hashable {
    private let connection: String
    private let safe: String

    /// Creates the names for a connection.
    init(connection: String) {
        self.connection = connection
        safe = StatePaths.safeName(connection)
    }

    /// The token cache.
    var cache: String { isPlain ? "\(safe).json" : "\(digested).json" }

    /// The cache that an earlier program used, if it has another name. It may belong to a connection of exactly that
    /// name.
    var earlierCache: String? { isPlain || safe.utf8.count > 200 ? nil : "\(safe).json" }

    /// The file with the reported ends of the sign-in.
    var ends: String { "\(pendingStem).ends.json" }

    /// Returns the file name of the pending sign-in for a resource.
    func pending(_ resource: ServiceResource) -> String {
        resource == .graph
            ? "\(pendingStem).flow.json" : "\(pendingStem)-\(resource.fileName).flow.json"
    }

    /// Returns the pending sign-in for a SharePoint host or an API that a file of the token folder, or a draft of one,
    /// belongs to.
    func furtherPending(of file: String) -> String? {
        let isDraft = file.hasPrefix(".")
        let name = isDraft ? file.dropFirst() : file[...]
        guard let end = name.firstRange(of: ".flow.json"),
            isDraft ? name[end.upperBound...].hasPrefix(".mm-") : end.upperBound == name.endIndex
        else { return nil }
        if name.hasPrefix("\(pendingStem)-"),
            ServiceResource.isFileNameOfAPI(name[..<end.lowerBound].dropFirst(pendingStem.count + 1))
        {
            return "\(name[..<end.lowerBound]).flow.json"
        }
        let start = "\(pendingStem)-sharepoint-"
        guard name.hasPrefix(start) else { return nil }
        // `X-sharepoint-y` may be a connection of its own; its file names contain a digest.
        let isOthers = name[..<end.lowerBound].dropFirst(start.count).split(separator: "-").contains { part in
            part.utf8.count == 16 && part.utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x61...0x66) ~= $0 }
        }
        return isOthers ? nil : "\(name[..<end.lowerBound]).flow.json"
    }

    // `X-flow` for Graph and `X` for Flow would otherwise both be `X-flow.flow.json`.
    private var pendingStem: String { isPlain && !endsLikeAResource ? safe : digested }

    // 200 bytes leave room for the suffixes of locks and drafts within the 255 bytes of a file name.
    private var isPlain: Bool { safe == connection && safe.utf8.count <= 200 && !safe.isEmpty }

    private var endsLikeAResource: Bool {
        let parts = safe.split(separator: "-", omittingEmptySubsequences: false)
        return parts.indices.dropFirst().contains { index in
            let end = parts[index...].joined(separator: "-")
            return ServiceResource(name: end) != nil || ServiceResource.isFileNameOfAPI(end)
        }
    }

    private var digested: String {
        "\(safe.prefix(150))-\(Hex.text(SHA256.digest(Array(connection.utf8)).prefix(8)))"
    }
}
