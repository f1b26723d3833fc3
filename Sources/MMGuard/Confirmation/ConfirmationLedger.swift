public import MMCore

/// The requests that wait for a person's approval, and the approvals that have not been used yet: one locked file
/// (0600) for all front-ends of a user.
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
    let clock: WallClock
    private static let mostEntries = 200
    private static let largestFile = 16 << 20

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

    /// What the file holds.
    struct Contents: Equatable {
        var entries: [PendingConfirmation] = []
        var standing: [StandingApproval] = []
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
        return try await change { (contents: inout Contents) throws(MMError) in
            if let waiting = contents.entries.first(where: { $0.digest == fresh.digest && $0.state == .pending }) {
                return (waiting, false)
            }
            contents.entries.append(fresh)
            return (fresh, true)
        }
    }

    /// Returns the entry of a token, for display.
    /// - Throws: `.notFound` if no such request is waiting.
    public func pending(_ token: String) async throws(MMError) -> PendingConfirmation {
        let wanted = Self.plain(token)
        guard let entry = try await all().first(where: { $0.token == wanted }) else { throw unknown(token) }
        return entry
    }

    /// Returns all waiting and approved requests, oldest first.
    /// - Throws: the errors of reading the ledger.
    public func all() async throws(MMError) -> [PendingConfirmation] {
        try read().entries.filter { $0.expiresAt > clock.now && $0.state != .refused }
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
        return try await change { (contents: inout Contents) throws(MMError) in
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
        try await change { (contents: inout Contents) throws(MMError) in
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
        try await take(digest, .approved) != nil
    }

    /// Uses up the entry of a request in a state.
    /// - Returns: the entry; `nil` where there is none in that state.
    func take(_ digest: String, _ state: PendingConfirmation.State) async throws(MMError) -> PendingConfirmation? {
        let now = clock.now
        let isIt = { (entry: PendingConfirmation) in
            entry.digest == digest && entry.state == state && entry.expiresAt > now
        }
        guard try read().entries.contains(where: isIt) else { return nil }
        return try await change { (contents: inout Contents) throws(MMError) in
            contents.entries.firstIndex(where: isIt).map { contents.entries.remove(at: $0) }
        }
    }

    /// Changes the contents under the lock and removes what has expired.
    func change<Result: Sendable>(
        _ body: (inout Contents) throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        let lock = try await FileLock(awaiting: path)
        let now = clock.now
        var contents = try read()
        contents.entries.removeAll { $0.expiresAt <= now }
        contents.standing.removeAll { $0.expiresAt <= now }
        let before = contents
        let result = try body(&contents)
        if contents.entries.count > Self.mostEntries {
            contents.entries.removeFirst(contents.entries.count - Self.mostEntries)
        }
        if contents != before {
            var file = Self.file(contents)
            // The oldest entries are removed: a file that is too large to be read again would block everything.
            while file.count > Self.largestFile, contents.entries.count > 1 {
                contents.entries.removeFirst()
                file = Self.file(contents)
            }
            try ProtectedFile.replace(path, with: file)
        }
        _ = consume lock
        return result
    }

    private static func file(_ contents: Contents) -> [UInt8] {
        JSONWriter.bytes([
            "version": 1, "entries": .array(contents.entries.map(\.json)),
            "standing": .array(contents.standing.map(\.json)),
        ])
    }

    func read() throws(MMError) -> Contents {
        guard let bytes = try ProtectedFile.read(path, limit: Self.largestFile), !bytes.isEmpty else {
            return Contents()
        }
        // A file that can't be read confirms nothing; it is neither guessed at nor silently replaced.
        guard let value = try? JSONParser.parse(bytes, limits: .strict), value["version"]?.int == 1,
            let list = value["entries"]?.array
        else {
            throw MMError(
                .conflict, "The store of confirmations \(path) can't be read.",
                hint: "Remove the file: pending confirmations have to be requested again.")
        }
        return Contents(
            entries: list.compactMap(PendingConfirmation.init(json:)),
            standing: value["standing"]?.array?.compactMap(StandingApproval.init(json:)) ?? [])
    }

    private func unknown(_ token: String) -> MMError {
        MMError(
            .notFound, "No request waits for a confirmation under \(Self.plain(token).prefix(20)).",
            hint: "It was used, refused or has expired: run the command again for a new token.")
    }

    /// Nine letters and digits without those that look alike: 45 bits, for minutes, behind a file that only its user reads.
    private static func makeToken() -> String {
        let letters = Array("23456789ABCDEFGHJKLMNPQRSTUVWXYZ".utf8)
        let picked = RandomBytes.make(9).map { letters[Int($0) % letters.count] }
        return String(decoding: picked, as: UTF8.self)
    }

    private static func plain(_ token: String) -> String {
        String(token.uppercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }
}
