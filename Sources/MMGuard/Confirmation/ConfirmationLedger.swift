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
    private let clock: WallClock
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

    /// Records that a request waits for a person. A request that is already waiting keeps its token.
    /// - Returns: the entry, with the token for `mm confirm`.
    /// - Throws: the errors of reading and writing the ledger.
    public func request(_ request: ConfirmationRequest) async throws(MMError) -> PendingConfirmation {
        let now = clock.now
        let fresh = PendingConfirmation(
            request, token: Self.makeToken(), createdAt: now, expiresAt: now + questionLifetime)
        return try await change { (entries: inout [PendingConfirmation]) throws(MMError) in
            if let waiting = entries.first(where: { $0.digest == fresh.digest && $0.state == .pending }) {
                return waiting
            }
            entries.append(fresh)
            return fresh
        }
    }

    /// Returns the entry of a token, for display.
    /// - Throws: `.notFound` if no such request is waiting.
    public func pending(_ token: String) async throws(MMError) -> PendingConfirmation {
        let wanted = Self.plain(token)
        guard let entry = try read().first(where: { $0.token == wanted && $0.expiresAt > clock.now }) else {
            throw unknown(token)
        }
        return entry
    }

    /// Returns all waiting requests, oldest first.
    /// - Throws: the errors of reading the ledger.
    public func all() async throws(MMError) -> [PendingConfirmation] {
        try read().filter { $0.expiresAt > clock.now }
    }

    /// Records a person's approval. Call it only for a person who has just seen `PendingConfirmation.lines`.
    /// - Parameters:
    ///   - token: the token.
    ///   - digest: the digest of what was shown; the token alone might refer to other content by now.
    /// - Throws: `.notFound` if the request is no longer waiting.
    public func approve(_ token: String, digest: String) async throws(MMError) {
        let wanted = Self.plain(token)
        let now = clock.now
        let error = unknown(token)
        try await change { (entries: inout [PendingConfirmation]) throws(MMError) in
            guard let index = entries.firstIndex(where: { $0.token == wanted && $0.digest == digest }) else {
                throw error
            }
            entries[index].state = .approved
            entries[index].expiresAt = now + approvalLifetime
        }
    }

    /// Records a person's refusal; the request is removed.
    /// - Throws: `.notFound` if no such request is waiting.
    public func refuse(_ token: String) async throws(MMError) {
        let wanted = Self.plain(token)
        let error = unknown(token)
        try await change { (entries: inout [PendingConfirmation]) throws(MMError) in
            guard let index = entries.firstIndex(where: { $0.token == wanted }) else { throw error }
            entries.remove(at: index)
        }
    }

    /// Uses up a confirmation.
    /// - Parameter digest: the digest of the request that is about to run.
    /// - Returns: whether a person had confirmed exactly this request; it won't be `true` a second time.
    /// - Throws: the errors of reading and writing the ledger; nothing may run then.
    public func consume(_ digest: String) async throws(MMError) -> Bool {
        guard try read().contains(where: { $0.digest == digest && $0.state == .approved }) else { return false }
        return try await change { (entries: inout [PendingConfirmation]) throws(MMError) in
            guard let index = entries.firstIndex(where: { $0.digest == digest && $0.state == .approved }) else {
                return false
            }
            entries.remove(at: index)
            return true
        }
    }

    /// Changes the entries under the lock and removes expired ones.
    private func change<Result: Sendable>(
        _ body: (inout [PendingConfirmation]) throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        let lock = try await FileLock(awaiting: path)
        let now = clock.now
        var entries = try read().filter { $0.expiresAt > now }
        let before = entries
        let result = try body(&entries)
        if entries.count > Self.mostEntries { entries.removeFirst(entries.count - Self.mostEntries) }
        if entries != before {
            var file = Self.file(entries)
            // The oldest entries are removed: a file that is too large to be read again would block everything.
            while file.count > Self.largestFile, entries.count > 1 {
                entries.removeFirst()
                file = Self.file(entries)
            }
            try ProtectedFile.replace(path, with: file)
        }
        _ = consume lock
        return result
    }

    private static func file(_ entries: [PendingConfirmation]) -> [UInt8] {
        JSONWriter.bytes(["version": 1, "entries": .array(entries.map(\.json))])
    }

    private func read() throws(MMError) -> [PendingConfirmation] {
        guard let bytes = try ProtectedFile.read(path, limit: Self.largestFile), !bytes.isEmpty else { return [] }
        // A file that can't be read confirms nothing; it is neither guessed at nor silently replaced.
        guard let value = try? JSONParser.parse(bytes, limits: .strict), value["version"]?.int == 1,
            let list = value["entries"]?.array
        else {
            throw MMError(
                .conflict, "The store of confirmations \(path) can't be read.",
                hint: "Remove the file: pending confirmations have to be requested again.")
        }
        return list.compactMap(PendingConfirmation.init(json:))
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
