public import MMCore

/// The requests that wait for a person's approval, and the approvals that have not been used yet: one locked file
/// (0600) for all front-ends of a user, and for the nodes of a cluster what they share. Each entry lies in one place and is used
/// up there. While what is shared can't be reached, the file takes new ones: they are asked and answered on this node.
///
/// A confirmation is valid for exactly one request (see `ConfirmationRequest.digest`), once, and for minutes. Only a
/// front-end that is used by a person calls `approve`.
public struct ConfirmationLedger: Sendable {
    /// The path of the file.
    public let path: String
    /// How long a request waits for its answer.
    public let questionLifetime: Duration
    /// How long an approval stays valid.
    public let approvalLifetime: Duration
    /// What the nodes of a cluster share; `nil` outside one.
    package var shared: (any SharedConfirmations)?
    let clock: WallClock

    /// Creates the ledger of a file, which need not exist yet.
    public init(
        path: String, questionLifetime: Duration = .seconds(900), approvalLifetime: Duration = .seconds(600),
        clock: WallClock = .system
    ) {
        self.path = path
        self.questionLifetime = questionLifetime
        self.approvalLifetime = approvalLifetime
        self.clock = clock
    }

    /// Creates the ledger of a user.
    public init(paths: StatePaths) {
        self.init(path: paths.confirmationLedger)
    }

    /// Records that a request waits for a person. A request that is already waiting keeps its token.
    /// - Returns: the entry, with the token for `mm confirm`.
    /// - Throws: the errors of reading and writing the ledger.
    public func request(_ request: ConfirmationRequest) async throws(MMError) -> PendingConfirmation {
        try await enter(request).entry
    }

    /// Records that a request waits for a person.
    /// - Returns: the entry, and whether it was not waiting already.
    /// - Throws: the errors of reading and writing the ledger.
    package func enter(_ request: ConfirmationRequest) async throws(MMError) -> (
        entry: PendingConfirmation, isNew: Bool
    ) {
        let now = clock.now
        let fresh = PendingConfirmation(
            request, token: Self.makeToken(), createdAt: now, expiresAt: now + questionLifetime)
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
        // What was asked while nothing was shared keeps its token.
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
    public func pending(_ token: String) async throws(MMError) -> PendingConfirmation {
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
    public func all() async throws(MMError) -> [PendingConfirmation] {
        let now = clock.now
        return try await places().found.flatMap(\.contents.entries)
            .filter { $0.expiresAt > now && $0.state != .refused }
            .sorted { $0.createdAt < $1.createdAt }
    }

    /// Why only what this node keeps by itself is known; `nil` where all is.
    package func absence() async -> MMError? { shared == nil ? nil : try? await places().absence }

    /// Where an entry lies.
    /// - Throws: `notFound` where it lies nowhere, `unavailable` where that isn't known.
    func place(
        of isIt: (PendingConfirmation) -> Bool, else unknown: MMError
    ) async throws(MMError) -> Place {
        let (found, absence) = try await places()
        guard let place = found.first(where: { $0.contents.entries.contains(where: isIt) })?.place else {
            throw absence ?? unknown
        }
        return place
    }

    /// Records a person's approval. Call it only for a person who has just seen `PendingConfirmation.lines`.
    /// - Parameters:
    ///   - token: the token.
    ///   - digest: the digest of what was shown; the token alone might refer to other content by now.
    /// - Throws: `.notFound` if the request is no longer waiting.
    public func approve(_ token: String, digest: String) async throws(MMError) {
        _ = try await approve(token, digest: digest, by: Approver(person: "", means: "terminal"))
    }

    /// Records a person's approval. Call it only for a person who has just seen all of it.
    /// - Parameters:
    ///   - token: the token.
    ///   - digest: the digest of what was shown; the token alone might refer to other content by now.
    ///   - approver: who said yes.
    /// - Returns: the entry as it stands now; it is approved once as many people as it needs said yes.
    /// - Throws: `.notFound` if the request is no longer waiting, `.conflict` for a person who has said yes to it before.
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
                    .conflict, "\(approver.person) has approved this already; it needs \(entry.needed) people.",
                    hint: "Somebody else has to approve it, with a key or login of their own.")
            }
            entry.approvers.append(approver)
            if entry.approvers.count >= entry.needed {
                entry.state = .approved
                entry.expiresAt = now + approvalLifetime
            }
            contents.entries[index] = entry
            return entry
        }
    }

    /// Records a person's refusal.
    /// - Throws: `.notFound` if no such request is waiting.
    public func refuse(_ token: String) async throws(MMError) {
        try await refuse(token, because: nil, by: nil)
    }

    /// Records a person's refusal, which the next run of exactly this is told.
    /// - Parameters:
    ///   - token: the token.
    ///   - reason: why, in the person's words.
    ///   - approver: who said no.
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

    /// Uses up a confirmation.
    /// - Parameter digest: the digest of the request that is about to run.
    /// - Returns: whether a person had confirmed exactly this request; it won't be `true` a second time.
    /// - Throws: the errors of reading and writing the ledger; nothing may run then.
    public func consume(_ digest: String) async throws(MMError) -> Bool {
        let isIt = { (entry: PendingConfirmation) in entry.digest == digest && entry.state == .approved }
        for (_, contents) in try await places().found {
            guard let entry = contents.entries.first(where: isIt) else { continue }
            return try await take(digest, of: entry.connection, .approved) != nil
        }
        return false
    }

    /// Puts back what people have said yes to, where that is not enough by the rules of today: it waits for what is missing.
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

    /// Uses up the entry of a request in a state.
    /// - Returns: the entry; `nil` where there is none in that state.
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
                // The same may stand approved where it could not be seen: it is not used on top of this.
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
            hint: "It was used, refused or has expired: run the command again for a new token.")
    }

    /// Nine letters and digits without those that look alike: 45 bits, for minutes, behind a file that only its user reads.
    static func makeToken() -> String {
        let letters = Array("23456789ABCDEFGHJKLMNPQRSTUVWXYZ".utf8)
        let picked = RandomBytes.make(9).map { letters[Int($0) % letters.count] }
        return String(decoding: picked, as: UTF8.self)
    }

    private static func plain(_ token: String) -> String {
        String(token.uppercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }
}
