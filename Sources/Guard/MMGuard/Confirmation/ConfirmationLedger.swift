package import MMCore

/// The requests that wait for a person's approval, and the approvals that have not been used yet: one locked file
/// (0600) for all front-ends of a user, and, in a cluster, a store that its nodes share. Each entry is kept in one of
/// these places and is used up there. While the shared store can't be reached, new entries go to the file: they are
/// then asked and answered on this node.
///
/// A confirmation is valid for exactly one request (see `ConfirmationRequest.digest`), once, and for minutes. Only a
/// front-end that is used by a person calls `approve`.
package struct ConfirmationLedger: Sendable {
    /// The path of the file.
    package let path: String
    /// How long a request waits for its answer.
    package let questionLifetime = Duration.seconds(900)
    /// How long an approval stays valid.
    package let approvalLifetime = Duration.seconds(600)
    /// The store that the nodes of a cluster share; `nil` outside a cluster.
    package var shared: (any SharedConfirmations)?
    /// The maximum size of the file in bytes.
    package var largestFile = 16 << 20
    let clock: WallClock

    /// Creates the ledger of a file, which need not exist yet.
    package init(path: String, clock: WallClock = .system) {
        self.path = path
        self.clock = clock
    }

    /// Creates the ledger of a user.
    package init(paths: StatePaths) {
        self.init(path: paths.confirmationLedger)
    }

    /// Records that a request waits for a person. A request that is already waiting keeps its token.
    /// - Returns: the entry, with the token for `mm confirm`, and whether it was not waiting already.
    /// - Throws: the errors of reading and writing the ledger.
    package func enter(_ request: ConfirmationRequest) async throws(MMError) -> (
        entry: PendingConfirmation, isNew: Bool
    ) {
        let now = clock.now
        let fresh = PendingConfirmation(
            request, token: Self.makeToken(), createdAt: now, expiresAt: now + (request.lasting ?? questionLifetime))
        let isIt = { @Sendable (entry: PendingConfirmation) in
            entry.digest == fresh.digest && entry.state == .pending
        }
        let enter = { @Sendable (contents: inout Contents) throws(MMError) -> (PendingConfirmation, Bool) in
            if let place = contents.entries.firstIndex(where: isIt) {
                contents.entries[place].demand(request)
                return (contents.entries[place], false)
            }
            contents.entries.append(fresh)
            return (fresh, true)
        }
        guard shared != nil else { return try await change(.own, enter) }
        // A request that was entered into the file while the shared store was away keeps its token.
        if try read().entries.contains(where: { isIt($0) && $0.expiresAt > now }) {
            return try await change(.own, enter)
        }
        do throws(MMError) {
            return try await change(.shared(request.connection), underLease: true, enter)
        } catch {
            guard error.keepsToThisNode else { throw error }
            return try await change(.own, enter)
        }
    }

    /// Returns the entry of a token, for display.
    /// - Throws: `.notFound` if no such request is waiting.
    package func pending(_ token: String) async throws(MMError) -> PendingConfirmation {
        let wanted = Self.plain(token)
        let (places, absence) = try await places()
        for (_, contents) in places {
            let entry = contents.entries.first {
                $0.token == wanted && $0.expiresAt > clock.now && $0.state != .refused
            }
            if let entry { return entry }
        }
        throw absence ?? unknown(token)
    }

    /// Returns all waiting and approved requests, oldest first.
    /// - Throws: the errors of reading the ledger.
    package func all() async throws(MMError) -> [PendingConfirmation] {
        let now = clock.now
        return try await places().found.flatMap(\.contents.entries)
            .filter { $0.expiresAt > now && $0.state != .refused }
            .sorted { $0.createdAt < $1.createdAt }
    }

    /// Returns the reason why only this node's own entries are known; `nil` if all entries are known.
    package func absence() async -> MMError? { shared == nil ? nil : try? await places().absence }

    /// Returns the place where an entry is kept.
    /// - Throws: `notFound` if no place has it, `unavailable` if the shared store can't be asked.
    func place(
        of isIt: (PendingConfirmation) -> Bool, else unknown: MMError
    ) async throws(MMError) -> Place {
        let (found, absence) = try await places()
        guard let place = found.first(where: { $0.contents.entries.contains(where: isIt) })?.place else {
            throw absence ?? unknown
        }
        return place
    }

    /// Records a person's approval. Call it only for a person who has just seen all of it.
    /// - Parameters:
    ///   - token: the token.
    ///   - digest: the digest of what was shown: by now the token alone might refer to other content.
    ///   - approver: the person who said yes.
    /// - Returns: the entry as it stands now; it is approved once as many people as it needs said yes.
    /// - Throws: `.notFound` if the request is no longer waiting, `.conflict` for a person who has said yes to it
    ///   before.
    package func approve(
        _ token: String, digest: String, by approver: Approver
    ) async throws(MMError) -> PendingConfirmation {
        let wanted = Self.plain(token)
        let now = clock.now
        let error = unknown(token)
        let place = try await place(of: { $0.token == wanted && $0.digest == digest }, else: error)
        return try await change(place) { (contents: inout Contents) throws(MMError) in
            guard
                let index = contents.entries.firstIndex(where: {
                    $0.token == wanted && $0.digest == digest && $0.state != .refused
                })
            else { throw error }
            var entry = contents.entries[index]
            guard entry.state == .pending else { return entry }
            guard !entry.approvers.contains(where: { $0.person.lowercased() == approver.person.lowercased() }) else {
                throw MMError(
                    .conflict, "\(approver.person) has already approved this. It needs \(entry.needed) people.",
                    hint: "Another person must approve it, with their own key or login.")
            }
            entry.approvers.append(approver)
            if entry.approvers.count >= entry.needed {
                entry.state = .approved
                entry.expiresAt = now + (entry.lasting ?? approvalLifetime)
            }
            contents.entries[index] = entry
            return entry
        }
    }

    /// Records a person's refusal, which is reported to the next run of exactly this request.
    /// - Parameters:
    ///   - token: the token.
    ///   - reason: the reason in the person's words.
    ///   - approver: the person who said no.
    /// - Throws: `.notFound` if no such request is waiting.
    package func refuse(_ token: String, because reason: String?, by approver: Approver?) async throws(MMError) {
        let wanted = Self.plain(token)
        let now = clock.now
        let error = unknown(token)
        let place = try await place(of: { $0.token == wanted }, else: error)
        try await change(place) { (contents: inout Contents) throws(MMError) in
            guard let index = contents.entries.firstIndex(where: { $0.token == wanted && $0.state != .refused }) else {
                throw error
            }
            contents.entries[index].state = .refused
            contents.entries[index].refusal = reason
            contents.entries[index].approvers = approver.map { [$0] } ?? []
            contents.entries[index].expiresAt = now + approvalLifetime
        }
    }

    /// Puts an approved entry back to waiting if the current rules demand more than it was approved under.
    func reopen(_ entry: PendingConfirmation, for request: ConfirmationRequest) async throws(MMError) {
        var entry = entry
        entry.state = .pending
        entry.expiresAt = clock.now + questionLifetime
        entry.demand(request)
        let waiting = entry
        let add = { @Sendable (contents: inout Contents) throws(MMError) in contents.entries.append(waiting) }
        guard shared != nil else { return try await change(.own, add) }
        do throws(MMError) {
            try await change(.shared(request.connection), underLease: true, add)
        } catch {
            guard error.keepsToThisNode else { throw error }
            try await change(.own, add)
        }
    }

    /// Uses up the entry of a request that is in a given state.
    /// - Returns: the entry; `nil` if there is none in that state.
    func take(
        _ digest: String, of connection: String, _ state: PendingConfirmation.State
    ) async throws(MMError) -> PendingConfirmation? {
        let now = clock.now
        let isIt = { @Sendable (entry: PendingConfirmation) in
            entry.digest == digest && entry.state == state && entry.expiresAt > now
        }
        let remove = { @Sendable (contents: inout Contents) throws(MMError) -> PendingConfirmation? in
            contents.entries.firstIndex(where: isIt).map { contents.entries.remove(at: $0) }
        }
        let own = try read()
        if own.entries.contains(where: isIt) {
            let isAlone = shared == nil
            let spent = Contents.Spent(digest: digest, at: now, expiresAt: now + questionLifetime + approvalLifetime)
            return try await change(.own) { (contents: inout Contents) throws(MMError) in
                let entry = try remove(&contents)
                // The shared store, which can't be read now, may hold an approval of the same request; it must not be
                // used in addition to this one.
                if entry != nil, state == .approved, !isAlone { contents.spent.append(spent) }
                return entry
            }
        }
        guard let document = try await reached({ shared throws(MMError) in try await shared.read(connection) }) else {
            return nil
        }
        guard let entry = try Self.parse(document, of: connection).entries.first(where: isIt) else { return nil }
        let isSpent = own.spent.contains { $0.digest == digest && $0.at >= entry.createdAt && $0.expiresAt > now }
        let taken = try await change(.shared(connection), underLease: true, remove)
        return isSpent ? nil : taken
    }

    private func unknown(_ token: String) -> MMError {
        MMError(
            .notFound, "No request waits for a confirmation under \(Self.plain(token).prefix(20)).",
            hint: "It was used, declined or has expired: run the command again for a new token.")
    }

    /// Returns a new token: nine characters without those that look alike. Its 45 bits suffice, because it is valid for
    /// minutes and its file is readable by the user only.
    static func makeToken() -> String {
        let letters = Array("23456789ABCDEFGHJKLMNPQRSTUVWXYZ".utf8)
        let picked = RandomBytes.make(9).map { letters[Int($0) % letters.count] }
        return String(decoding: picked, as: UTF8.self)
    }

    private static func plain(_ token: String) -> String {
        String(token.uppercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }
}

/// The confirmations that the nodes of a cluster share: one document for each connection, which is always replaced as a
/// whole.
package protocol SharedConfirmations: Sendable {
    /// Returns the document of a connection; `nil` if there is none.
    /// - Throws: `unavailable` with the detail `cluster` if the store can't be reached.
    func read(_ connection: String) async throws(MMError) -> SharedConfirmationDocument?

    /// Returns all documents.
    /// - Throws: as `read`.
    func all() async throws(MMError) -> [SharedConfirmationDocument]

    /// Replaces a document, if it is still as it was read.
    /// - Parameters:
    ///   - read: the document as it was read; `nil` if there was none.
    ///   - bytes: the new content.
    ///   - lifetime: how long the store has to keep the document.
    ///   - underLease: whether only the node that holds the connection's lease may write this.
    /// - Returns: whether it was written; `false` if another node has written in the meantime.
    /// - Throws: as `read`.
    func replace(
        _ connection: String, from read: SharedConfirmationDocument?, with bytes: [UInt8], for lifetime: Duration,
        underLease: Bool
    ) async throws(MMError) -> Bool
}

/// The document with a connection's shared confirmations.
package struct SharedConfirmationDocument: Sendable, Hashable {
    /// The connection.
    package let connection: String
    /// The content.
    package let bytes: [UInt8]
    /// The revision, which changes with each write.
    package let revision: String

    package init(connection: String, bytes: [UInt8], revision: String) {
        self.connection = connection
        self.bytes = bytes
        self.revision = revision
    }
}

extension MMError {
    /// Whether the entry has to stay on this node: Redis can't be reached, or its limit on the size is exceeded.
    var keepsToThisNode: Bool { details["cluster"] == "away" || details["cluster"] == "tooLarge" }
}

// MARK: Where entries are kept

extension ConfirmationLedger {
    /// The content of a place.
    struct Contents: Equatable, Sendable {
        /// A confirmation of this node that was used while the shared store couldn't be read.
        struct Spent: Hashable, Sendable {
            var digest: String
            var at: Timestamp
            var expiresAt: Timestamp
        }

        var entries: [PendingConfirmation] = []
        var standing: [StandingApproval] = []
        var spent: [Spent] = []
    }

    /// A place in which entries are kept.
    enum Place: Sendable, Hashable {
        /// The file of this user.
        case own
        /// The document of a connection in the shared store.
        case shared(String)
    }

    private static let mostEntries = 200
    /// The maximum size of a connection's document in Redis.
    private static let largestShared = 2 << 20

    /// Returns all places with their contents, and, if only this node's file could be read, the error that explains
    /// why.
    func places() async throws(MMError) -> (found: [(place: Place, contents: Contents)], absence: MMError?) {
        var found: [(place: Place, contents: Contents)] = [(.own, try read())]
        guard let shared else { return (found, nil) }
        do throws(MMError) {
            for document in try await shared.all() {
                found.append((.shared(document.connection), try Self.parse(document, of: document.connection)))
            }
        } catch {
            guard error.keepsToThisNode else { throw error }
            return ([found[0]], error)
        }
        return (found, nil)
    }

    /// Asks the shared store; `nil` if there is none or it can't be reached.
    func reached<Value: Sendable>(
        _ work: (any SharedConfirmations) async throws(MMError) -> Value
    ) async throws(MMError) -> Value? {
        guard let shared else { return nil }
        do throws(MMError) { return try await work(shared) } catch {
            guard error.keepsToThisNode else { throw error }
            return nil
        }
    }

    /// Changes the content of a place, and removes expired entries.
    /// - Parameters:
    ///   - underLease: whether only the node that holds the connection's lease may do this.
    ///   - body: the change; it is repeated on fresh content if another node has written first.
    func change<Result: Sendable>(
        _ place: Place, underLease: Bool = false, _ body: (inout Contents) throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        guard case .shared(let connection) = place, let shared else { return try await changeOwn(body) }
        for _ in 0..<50 {
            let document = try await shared.read(connection)
            let now = clock.now
            var contents = try Self.parse(document, of: connection)
            contents.removeExpired(now)
            let before = contents
            let result = try body(&contents)
            guard contents != before else { return result }
            let bytes = Self.fitting(&contents, Self.largestShared)
            let last = (contents.entries.map(\.expiresAt) + contents.standing.map(\.expiresAt)).max() ?? now
            let lifetime = Duration.seconds(max(60, last.seconds - now.seconds + 60))
            let isWritten = try await shared.replace(
                connection, from: document, with: bytes, for: lifetime, underLease: underLease)
            if isWritten { return result }
        }
        throw MMError(
            .conflict, "The confirmations of \(connection) could not be saved, because other calls keep changing them.",
            hint: "Try again.", retry: .now)
    }

    private func changeOwn<Result: Sendable>(
        _ body: (inout Contents) throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        let lock = try await FileLock(awaiting: path)
        var contents = try read()
        contents.removeExpired(clock.now)
        let before = contents
        let result = try body(&contents)
        if contents != before {
            try ProtectedFile.replace(path, with: Self.fitting(&contents, largestFile))
        }
        _ = consume lock
        return result
    }

    /// Returns the content as bytes, after removing the oldest entries if there is too much: content too large to be
    /// read again would block the ledger.
    private static func fitting(_ contents: inout Contents, _ most: Int) -> [UInt8] {
        if contents.entries.count > mostEntries {
            contents.entries.removeFirst(contents.entries.count - mostEntries)
        }
        var bytes = file(contents)
        while bytes.count > most, contents.entries.count > 1 {
            contents.entries.removeFirst()
            bytes = file(contents)
        }
        return bytes
    }

    private static func file(_ contents: Contents) -> [UInt8] {
        var object: JSONObject = [
            "version": 1, "entries": .array(contents.entries.map(\.json)),
            "standing": .array(contents.standing.map(\.json)),
        ]
        if !contents.spent.isEmpty {
            object["spent"] = .array(
                contents.spent.map {
                    [
                        "digest": .string($0.digest), "at": .int($0.at.seconds),
                        "expiresAt": .int($0.expiresAt.seconds),
                    ]
                })
        }
        return JSONWriter.bytes(.object(object))
    }

    /// Returns the content of the file.
    func read() throws(MMError) -> Contents {
        guard let bytes = try ProtectedFile.read(path, limit: largestFile) else { return Contents() }
        guard let contents = Self.parse(bytes) else {
            throw MMError(
                .conflict, "The store of confirmations \(path) can't be read.",
                hint: "Remove the file. Pending confirmations must then be requested again.")
        }
        return contents
    }

    /// Returns the content of a connection's shared document.
    static func parse(_ document: SharedConfirmationDocument?, of connection: String) throws(MMError) -> Contents {
        guard let bytes = document?.bytes, !bytes.isEmpty else { return Contents() }
        guard let contents = parse(bytes) else {
            throw MMError(
                .conflict, "The shared confirmations for \(connection) can't be read by this version of mm.",
                hint: "Run the same version on all nodes. Until they can be read or expire, nothing can be "
                    + "confirmed for \(connection).")
        }
        return contents
    }

    /// Returns `nil` for content that can't be read: such content confirms nothing, and is neither guessed at nor
    /// silently replaced.
    private static func parse(_ bytes: [UInt8]) -> Contents? {
        guard let value = try? JSONParser.parse(bytes, limits: .strict), value["version"]?.int == 1,
            let list = value["entries"]?.array
        else { return nil }
        let spent = value["spent"]?.array?.compactMap { item -> Contents.Spent? in
            guard let digest = item["digest"]?.string, let at = item["at"]?.int, let end = item["expiresAt"]?.int else {
                return nil
            }
            return Contents.Spent(
                digest: digest, at: Timestamp(seconds: Int64(at)), expiresAt: Timestamp(seconds: Int64(end)))
        }
        return Contents(
            entries: list.compactMap(PendingConfirmation.init(json:)),
            standing: value["standing"]?.array?.compactMap(StandingApproval.init(json:)) ?? [], spent: spent ?? [])
    }
}

extension ConfirmationLedger.Contents {
    fileprivate mutating func removeExpired(_ now: Timestamp) {
        entries.removeAll { $0.expiresAt <= now }
        standing.removeAll { $0.expiresAt <= now }
        spent.removeAll { $0.expiresAt <= now }
    }
}

/// People's answer to a request.
package enum ConfirmationOutcome: Sendable {
    /// People said yes to exactly this request; the approval is used up now.
    case approved([Approver], Consent)
    /// A standing approval covers the classes of the request on this connection.
    case allowed(StandingApproval, Consent)
    /// A person said no.
    case refused(PendingConfirmation)
}

extension ConfirmationLedger {
    /// Returns people's answer to a request, once; `nil` if a person has yet to be asked.
    /// - Throws: the errors of reading and writing the ledger; nothing may run in that case.
    package func outcome(of request: ConfirmationRequest) async throws(MMError) -> ConfirmationOutcome? {
        let digest = request.digest
        if let entry = try await take(digest, of: request.connection, .approved) {
            if entry.isEnough(for: request) { return .approved(entry.approvers, Consent(to: request)) }
            try await reopen(entry, for: request)
            return nil
        }
        if let entry = try await take(digest, of: request.connection, .refused) { return .refused(entry) }
        guard let classes = request.standingClasses else { return nil }
        let standing = try await standing(of: request.connection).filter {
            $0.check >= request.check && $0.identity == request.identity
        }
        let covering = classes.compactMap { one in standing.first { $0.guardClass == one } }
        guard covering.count == classes.count, let first = covering.first else { return nil }
        return .allowed(first, Consent(to: request))
    }

    /// Records, for the node that carries the request out, that people confirmed it as a part of a larger request.
    /// - Throws: `unavailable` if there is no shared store.
    package func grant(_ request: ConfirmationRequest, by approver: Approver) async throws(MMError) {
        guard shared != nil else {
            throw MMError(
                .unavailable,
                "\(request.connection) belongs to another node, which can't be notified of this confirmation.",
                hint: "Give all nodes a key (MM_CLUSTER_KEY_FILE), or call this connection separately.",
                details: ["cluster": "no key"])
        }
        let now = clock.now
        var entry = PendingConfirmation(
            request, token: Self.makeToken(), createdAt: now, expiresAt: now + approvalLifetime)
        entry.state = .approved
        entry.needed = 1
        entry.approvers = [approver]
        let granted = entry
        try await change(.shared(request.connection)) { (contents: inout Contents) throws(MMError) in
            contents.entries.append(granted)
        }
    }

    /// Removes what `grant` recorded, if it was not used.
    package func withdraw(_ request: ConfirmationRequest) async {
        let digest = request.digest
        _ = try? await change(.shared(request.connection)) { (contents: inout Contents) throws(MMError) in
            contents.entries.removeAll { $0.digest == digest && $0.approvers.contains { $0.means == "together" } }
        }
    }

    /// Returns the standing approvals, oldest first.
    /// - Throws: the errors of reading the ledger.
    package func standing() async throws(MMError) -> [StandingApproval] {
        try await places().found.flatMap(\.contents.standing).filter { $0.expiresAt > clock.now }
            .sorted { $0.createdAt < $1.createdAt }
    }

    private func standing(of connection: String) async throws(MMError) -> [StandingApproval] {
        var standing = try read().standing
        if let document = try await reached({ shared throws(MMError) in try await shared.read(connection) }) {
            standing += try Self.parse(document, of: connection).standing
        }
        let now = clock.now
        return standing.filter { $0.connection == connection && $0.expiresAt > now }
    }

    /// Records that a person allows classes on a connection for a while; this replaces earlier standing approvals of
    /// these classes.
    /// - Parameters:
    ///   - classes: the classes.
    ///   - connection: the connection, by its registered name.
    ///   - identity: the identity of the connection (`Connection.identity`).
    ///   - duration: how long the approval holds, 8 hours at most.
    ///   - approver: the person who allows it.
    ///   - check: the check that they passed.
    /// - Throws: `.invalidInput` for a class that always has to be confirmed, and for a longer duration.
    package func allow(
        _ classes: [GuardClass], on connection: String, as identity: String? = nil, for duration: Duration,
        by approver: Approver, check: PersonCheck
    ) async throws(MMError) -> [StandingApproval] {
        let made = try approvals(
            of: classes, on: connection, as: identity, for: duration, by: approver, check: check)
        try await keep(made)
        return made
    }

    /// Returns new standing approvals for ledgers to `keep`. Until one does, they allow nothing.
    /// - Throws: as `allow`.
    package func approvals(
        of classes: [GuardClass], on connection: String, as identity: String?, for duration: Duration,
        by approver: Approver, check: PersonCheck
    ) throws(MMError) -> [StandingApproval] {
        guard !classes.isEmpty, classes.allSatisfy(StandingApproval.isPossible) else {
            let possible = GuardClass.allCases.filter(StandingApproval.isPossible).map(\.rawValue)
            throw MMError(
                .invalidInput,
                "\(classes.map(\.rawValue).joined(separator: ", ")) can't be allowed for a limited time: a person is asked about each request.",
                hint: "Classes that can: \(possible.joined(separator: ", ")).")
        }
        guard duration >= .seconds(60), duration <= StandingApproval.longest else {
            throw MMError(
                .invalidInput, "An approval must last between 1 minute and 8 hours.", hint: "For example 30 minutes.")
        }
        let now = clock.now
        return classes.map { one in
            StandingApproval(
                id: RandomBytes.text(bytes: 6), connection: connection, identity: identity, guardClass: one,
                approver: approver, check: check, createdAt: now, expiresAt: now + duration)
        }
    }

    /// Keeps standing approvals of one connection in place of the earlier ones of their classes.
    /// - Throws: the errors of writing the ledger.
    package func keep(_ approvals: [StandingApproval]) async throws(MMError) {
        guard let connection = approvals.first?.connection else { return }
        let allow = { @Sendable (contents: inout Contents) throws(MMError) in
            contents.standing.removeAll { old in
                approvals.contains { $0.connection == old.connection && $0.guardClass == old.guardClass }
            }
            contents.standing += approvals
        }
        guard shared != nil else { return try await change(.own, allow) }
        do throws(MMError) { try await change(.shared(connection), allow) } catch {
            guard error.keepsToThisNode else { throw error }
            try await change(.own, allow)
        }
    }

    /// Revokes a standing approval.
    /// - Throws: `.notFound` if it no longer holds.
    package func revoke(_ id: String) async throws(MMError) -> StandingApproval {
        let unknown = MMError(
            .notFound, "There is no valid approval \(id.prefix(20)).",
            hint: "It has ended or was revoked: mm allow lists the valid ones.")
        let (found, absence) = try await places()
        guard let place = found.first(where: { $0.contents.standing.contains { $0.id == id } })?.place else {
            throw absence ?? unknown
        }
        return try await change(place) { (contents: inout Contents) throws(MMError) in
            guard let index = contents.standing.firstIndex(where: { $0.id == id }) else { throw unknown }
            return contents.standing.remove(at: index)
        }
    }
}
