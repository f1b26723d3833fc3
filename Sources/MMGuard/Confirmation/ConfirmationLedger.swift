public import MMCore

/// The requests that wait for a person's yes, and the yeses that were given but not yet used: one locked 0600 file for all
/// front-ends of a user.
///
/// A confirmation holds for exactly one request (see `ConfirmationRequest.digest`), once, and for minutes. Only a front-end
/// that has a person before it calls `approve`.
public struct ConfirmationLedger: Sendable {
    /// The file.
    public let path: String
    /// How long a question waits for its answer.
    public let questionLifetime: Duration
    /// How long a yes waits for its use.
    public let approvalLifetime: Duration
    private let clock: WallClock
    private static let mostEntries = 200
    private static let largestFile = 16 << 20

    /// The ledger in a file, which need not be there yet.
    public init(
        path: String, questionLifetime: Duration = .seconds(900), approvalLifetime: Duration = .seconds(600),
        clock: WallClock = .system
    ) {
        self.path = path
        self.questionLifetime = questionLifetime
        self.approvalLifetime = approvalLifetime
        self.clock = clock
    }

    /// The ledger of a user.
    public init(paths: StatePaths) {
        self.init(path: paths.confirmationLedger)
    }

    /// Notes that a request waits for a person. Asked again while it waits, it keeps its token.
    /// - Returns: the entry, with the token for `mm confirm`.
    /// - Throws: what reading and writing the ledger throws.
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

    /// The entry of a token, for showing.
    /// - Throws: `.notFound` when no such request waits.
    public func pending(_ token: String) async throws(MMError) -> PendingConfirmation {
        let wanted = Self.plain(token)
        guard let entry = try read().first(where: { $0.token == wanted && $0.expiresAt > clock.now }) else {
            throw unknown(token)
        }
        return entry
    }

    /// Everything that waits, oldest first.
    /// - Throws: what reading the ledger throws.
    public func all() async throws(MMError) -> [PendingConfirmation] {
        try read().filter { $0.expiresAt > clock.now }
    }

    /// A person said yes. Call it only with a person before you who has just seen `PendingConfirmation.lines`.
    /// - Parameters:
    ///   - token: the token.
    ///   - digest: the digest of what was shown: a token alone could have got another content meanwhile.
    /// - Throws: `.notFound` when no such request waits any more.
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

    /// A person said no: the request waits no longer.
    /// - Throws: `.notFound` when no such request waits.
    public func refuse(_ token: String) async throws(MMError) {
        let wanted = Self.plain(token)
        let error = unknown(token)
        try await change { (entries: inout [PendingConfirmation]) throws(MMError) in
            guard let index = entries.firstIndex(where: { $0.token == wanted }) else { throw error }
            entries.remove(at: index)
        }
    }

    /// Uses a confirmation up.
    /// - Parameter digest: of the request that is about to run.
    /// - Returns: whether a person had confirmed exactly this; it won't be true a second time.
    /// - Throws: what reading and writing the ledger throws; then nothing may run.
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

    /// Changes the entries under the lock; expired ones go.
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
            // The oldest make room: a file too large to be read again would hold everything back.
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
        // A file that can't be read confirms nothing; it is never guessed at nor silently replaced.
        guard let value = try? JSONParser.parse(bytes, limits: .strict), value["version"]?.int == 1,
            let list = value["entries"]?.array
        else {
            throw MMError(
                .conflict, "The store of confirmations \(path) can't be read.",
                hint: "Remove the file: what waits for a confirmation is asked for anew.")
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
