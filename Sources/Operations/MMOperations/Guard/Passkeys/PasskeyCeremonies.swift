package import MMCore

/// The challenges that the nodes of a cluster share, so that a page served by one node can be answered at any.
package protocol SharedChallenges: Sendable {
    /// A secret that only the nodes have: it gives requests the same ids on the pages of all nodes.
    var salt: [UInt8] { get }

    /// Stores the subject of a challenge.
    /// - Throws: `unavailable`.
    func put(_ challenge: [UInt8], _ subject: [UInt8], for lifetime: Duration) async throws(MMError)

    /// Returns and removes the subject of a challenge.
    /// - Throws: `unavailable`.
    func take(_ challenge: [UInt8]) async throws(MMError) -> [UInt8]?
}

/// The pending passkey operations of web pages: registration links and challenges to sign. They are kept in memory, for
/// a few minutes and one use. Where the nodes of a cluster share challenges, those for approvals are stored there
/// instead.
package final class PasskeyCeremonies: Sendable {
    /// A link to register a passkey, made at the owner's terminal.
    package struct Invitation: Sendable {
        /// The name of the future passkey.
        package let name: String
        /// The owner of the future passkey.
        package let owner: String
        fileprivate let until: ContinuousClock.Instant
    }

    /// The subject of a challenge.
    enum Subject: Sendable {
        /// The registration of a passkey, by the code of its link.
        case registration(String)
        /// An answer to one request.
        case decision(ApprovalDecision)
    }

    /// The validity of a link.
    package static let invitationAge = Duration.seconds(600)
    /// The time that a person has to use the passkey.
    package static let challengeAge = Duration.seconds(120)
    private static let most = 200

    private struct State {
        var invitations: [String: Invitation] = [:]
        var challenges: [[UInt8]: (subject: Subject, until: ContinuousClock.Instant)] = [:]
    }

    private let state = Mutex(State())
    private let salt: [UInt8]
    private let shared: (any SharedChallenges)?

    /// Creates an instance without pending operations.
    package init(sharing shared: (any SharedChallenges)?) {
        self.shared = shared
        salt = shared?.salt ?? RandomBytes.make(32)
    }

    /// Creates the code of a link.
    package func invite(_ name: String, owner: String) -> Secret {
        let code = RandomBytes.text(bytes: 15)
        let until = ContinuousClock.now + Self.invitationAge
        state.withLock { state in
            if state.invitations.count >= Self.most { state.invitations = [:] }
            state.invitations[code] = Invitation(name: name, owner: owner, until: until)
        }
        return Secret(code)
    }

    /// Returns the invitation of a link; `nil` for a code that is wrong, used or expired.
    func invitation(_ code: String) -> Invitation? {
        let now = ContinuousClock.now
        return state.withLock { state in
            state.invitations = state.invitations.filter { now < $0.value.until }
            return state.invitations[code]
        }
    }

    /// Invalidates a link.
    func close(_ code: String) { state.withLock { _ = $0.invitations.removeValue(forKey: code) } }

    /// Creates a challenge: a digest of the subject and a random number.
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
        let now = ContinuousClock.now
        state.withLock { state in
            state.challenges = state.challenges.filter { now < $0.value.until }
            if state.challenges.count >= Self.most { state.challenges = [:] }
            state.challenges[challenge] = (subject, now + Self.challengeAge)
        }
        return challenge
    }

    /// Invalidates a challenge, whether or not its answer is accepted.
    /// - Returns: its subject; `nil` for a challenge that is unknown, used or expired.
    func redeem(_ challenge: [UInt8]) async -> Subject? {
        let now = ContinuousClock.now
        if let entry = state.withLock({ $0.challenges.removeValue(forKey: challenge) }) {
            return now < entry.until ? entry.subject : nil
        }
        guard challenge.count == 32, let bytes = try? await shared?.take(challenge),
            let json = try? JSONParser.parse(bytes), let decision = ApprovalDecision(json: json)
        else { return nil }
        return .decision(decision)
    }

    /// Returns the id of a request on a page, which never gets the token.
    func id(of token: String) -> String {
        String(Hex.text(SHA256.digest(salt + Array("mm request\n\(token)".utf8))).prefix(24))
    }
}

/// A person's answer to a request, which a passkey signs.
struct ApprovalDecision: Sendable, Hashable {
    enum Word: String, Sendable {
        case approve, decline
    }

    /// The token of the request.
    let token: String
    /// The digest of the request.
    let digest: String
    /// The digest of the contents that the page showed.
    let shown: String
    let word: Word
    /// The reason, if they decline.
    let reason: String?
    /// If they approve, the minutes for which the same classes also pass on this connection.
    let minutes: Int?

    /// Reads a stored answer; `nil` for any other value.
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
