package import MMCore

/// The challenges that the nodes of a cluster share: a page that one node made is answered at any.
package protocol SharedChallenges: Sendable {
    /// What all nodes have, and nobody else: requests have the same names on the pages of all of them.
    var salt: [UInt8] { get }

    /// Keeps what a challenge was made for.
    /// - Throws: `unavailable`.
    func put(_ challenge: [UInt8], _ subject: [UInt8], for lifetime: Duration) async throws(MMError)

    /// Gives out what a challenge was made for, once.
    /// - Throws: `unavailable`.
    func take(_ challenge: [UInt8]) async throws(MMError) -> [UInt8]?
}

/// What pages are being asked a passkey for: links to register one, and challenges to sign. In memory alone, each for minutes
/// and for one use. Where nodes share challenges to approve something, one that could be shared lies there instead.
package final class PasskeyCeremonies: Sendable {
    /// A link to register a passkey, made at the owner's terminal.
    package struct Invitation: Sendable {
        /// What the passkey will be called.
        package let name: String
        /// Whose it will be.
        package let owner: String
        fileprivate let until: ContinuousClock.Instant
    }

    /// What a challenge was made for.
    enum Subject: Sendable {
        /// A new passkey, by the code of its link.
        case registration(String)
        /// An answer to exactly this request.
        case decision(ApprovalDecision)
    }

    /// How long a link may be used.
    package static let invitationAge = Duration.seconds(600)
    /// How long a person has to use the passkey.
    package static let challengeAge = Duration.seconds(120)
    private static let most = 200

    private struct State {
        var invitations: [String: Invitation] = [:]
        var challenges: [[UInt8]: (subject: Subject, until: ContinuousClock.Instant)] = [:]
    }

    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())
    private let salt: [UInt8]
    private let shared: (any SharedChallenges)?

    /// Creates a value with nothing asked for.
    package init(
        sharing shared: (any SharedChallenges)? = nil, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.now = now
        self.shared = shared
        salt = shared?.salt ?? RandomBytes.make(32)
    }

    /// Makes the code of a link.
    package func invite(_ name: String, owner: String) -> Secret {
        let code = RandomBytes.text(bytes: 15)
        let until = now() + Self.invitationAge
        state.withLock { state in
            if state.invitations.count >= Self.most { state.invitations = [:] }
            state.invitations[code] = Invitation(name: name, owner: owner, until: until)
        }
        return Secret(code)
    }

    /// What a link is for; `nil` for a code that is wrong, used or too old.
    func invitation(_ code: String) -> Invitation? {
        let now = now()
        return state.withLock { state in
            state.invitations = state.invitations.filter { now < $0.value.until }
            return state.invitations[code]
        }
    }

    /// Uses a link up.
    func close(_ code: String) { state.withLock { _ = $0.invitations.removeValue(forKey: code) } }

    /// Makes a challenge: a digest of what is signed for, and of a number that never comes again.
    func challenge(for subject: Subject) async -> [UInt8] {
        var hash = SHA256()
        switch subject {
        case .registration(let code): hash.update("mm passkey 1\n\(code)\n".utf8)
        case .decision(let decision): hash.update("mm approval 1\n\(JSONWriter.string(decision.json))\n".utf8)
        }
        hash.update(RandomBytes.make(32))
        let challenge = hash.finish()
        if let shared, case .decision(let decision) = subject {
            let bytes = JSONWriter.bytes(decision.json)
            if (try? await shared.put(challenge, bytes, for: Self.challengeAge)) != nil { return challenge }
        }
        let now = now()
        state.withLock { state in
            state.challenges = state.challenges.filter { now < $0.value.until }
            if state.challenges.count >= Self.most { state.challenges = [:] }
            state.challenges[challenge] = (subject, now + Self.challengeAge)
        }
        return challenge
    }

    /// Uses a challenge up, whatever becomes of its answer.
    /// - Returns: what it was made for; `nil` for one that is unknown, used or too old.
    func redeem(_ challenge: [UInt8]) async -> Subject? {
        let now = now()
        if let entry = state.withLock({ $0.challenges.removeValue(forKey: challenge) }) {
            return now < entry.until ? entry.subject : nil
        }
        guard challenge.count == 32, let bytes = try? await shared?.take(challenge),
            let json = try? JSONParser.parse(bytes), let decision = ApprovalDecision(json: json)
        else { return nil }
        return .decision(decision)
    }

    /// What a page calls a request: it never gets the token.
    func id(of token: String) -> String {
        String(Hex.text(SHA256.digest(salt + Array("mm request\n\(token)".utf8))).prefix(24))
    }
}

/// An answer of a person to a request, which a passkey signs.
struct ApprovalDecision: Sendable, Hashable {
    enum Word: String, Sendable {
        case approve, decline
    }

    /// The token of the request.
    let token: String
    /// The digest of the request.
    let digest: String
    /// The digest of what the page showed.
    let shown: String
    let word: Word
    /// Why, where they decline.
    let reason: String?
    /// For how many minutes the same classes pass on this connection besides, where they approve.
    let minutes: Int?

    /// Reads one that was kept; `nil` for what is none.
    init?(json: JSONValue) {
        guard let token = json["token"]?.string, let digest = json["digest"]?.string,
            let shown = json["shown"]?.string, let word = json["decision"]?.string.flatMap(Word.init(rawValue:))
        else { return nil }
        self.init(
            token: token, digest: digest, shown: shown, word: word, reason: json["reason"]?.string,
            minutes: json["minutes"]?.int)
    }

    init(token: String, digest: String, shown: String, word: Word, reason: String?, minutes: Int?) {
        self.token = token
        self.digest = digest
        self.shown = shown
        self.word = word
        self.reason = reason
        self.minutes = minutes
    }

    var json: JSONValue {
        [
            "token": .string(token), "digest": .string(digest), "shown": .string(shown),
            "decision": .string(word.rawValue), "reason": reason.map(JSONValue.string) ?? .null,
            "minutes": minutes.map { .int(Int64($0)) } ?? .null,
        ]
    }
}
