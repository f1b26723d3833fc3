package import MMCore

/// What pages are being asked a passkey for: links to register one, and challenges to sign. In memory alone, each for minutes
/// and for one use.
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
    private let salt = RandomBytes.make(32)

    /// Creates a value with nothing asked for.
    package init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
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
    func challenge(for subject: Subject) -> [UInt8] {
        var hash = SHA256()
        switch subject {
        case .registration(let code): hash.update("mm passkey 1\n\(code)\n".utf8)
        case .decision(let decision): hash.update("mm approval 1\n\(JSONWriter.string(decision.json))\n".utf8)
        }
        hash.update(RandomBytes.make(32))
        let challenge = hash.finish()
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
    func redeem(_ challenge: [UInt8]) -> Subject? {
        let now = now()
        let entry = state.withLock { $0.challenges.removeValue(forKey: challenge) }
        return entry.flatMap { now < $0.until ? $0.subject : nil }
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

    var json: JSONValue {
        [
            "token": .string(token), "digest": .string(digest), "shown": .string(shown),
            "decision": .string(word.rawValue), "reason": reason.map(JSONValue.string) ?? .null,
            "minutes": minutes.map { .int(Int64($0)) } ?? .null,
        ]
    }
}
