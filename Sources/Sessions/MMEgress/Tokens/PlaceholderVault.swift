package import MMCore
internal import MMIdentity

/// The tokens of one session, which the session itself never sees: it holds placeholders, and this knows what each stands for.
///
/// A placeholder is good on this session's own wire alone, and there only at the hosts of its token's audience.
package final class PlaceholderVault: Sendable {
    /// What a placeholder stands for.
    enum Worth: Sendable {
        /// An access token that the connection's sign-in renews.
        case fed(TokenNeed)
        /// An access token that the session signed in for by itself.
        case own(OwnToken)
        /// Something that only the sign-in service takes: a refresh token, a device code, an id token.
        case signInOnly(Secret)

        /// Whether the session signed in for it by itself.
        var isModules: Bool {
            if case .fed = self { false } else { true }
        }

        /// What an access token is for; nil for what the sign-in service alone takes.
        var audience: String? {
            switch self {
            case .fed(let need): need.audience
            case .own(let token): token.audience
            case .signInOnly: nil
            }
        }
    }

    /// An access token that came over the wire, and how it is renewed.
    struct OwnToken: Sendable {
        let audience: String
        let token: Secret
        /// When it ends, in seconds since 1970; nil where nobody said.
        let expiry: Int64?
        let grant: RenewalGrant?

        /// The same with another refresh token.
        func renewed(by refreshToken: Secret) -> OwnToken {
            OwnToken(audience: audience, token: token, expiry: expiry, grant: grant?.with(refreshToken))
        }
    }

    private struct State {
        var worth: [String: Worth] = [:]
        var order: [String] = []
        /// How many of the oldest in `order` are gone.
        var dropped = 0
    }

    /// How far ahead a placeholder's end lies that is always exchanged for a fresh token: no module reconnects before.
    static let distance: Int64 = 10 * 365 * 86_400

    /// How long a placeholder for a token of the connection's own sign-in says that it lasts.
    package static let life = Duration.seconds(distance)

    private let state = Mutex(State())
    private let clock: WallClock
    private let limit: Int

    /// An empty vault.
    /// - Parameters:
    ///   - clock: the time of day.
    ///   - limit: how many placeholders are kept, the newest: a session may sign in again and again.
    package init(clock: WallClock = .system, limit: Int = 4_096) {
        self.clock = clock
        self.limit = limit
    }

    /// A placeholder for a token of the connection's own sign-in, which `TokenSource` renews.
    /// - Parameters:
    ///   - token: a token that is good now: its header and claims are what modules read.
    ///   - account: whose it is, as the source knows it.
    ///   - audience: what it is for; nil takes what the token itself says.
    /// - Throws: `.invalidInput` when neither says what the token is for.
    package func placeholder(for token: Secret, account: String, audience: String? = nil) throws(MMError) -> String {
        let text = TokenText(token.reveal())
        guard let audience = audience ?? text.audience else {
            throw MMError(
                .invalidInput, "The token doesn't say what it is for.",
                hint: "Name the audience of its service, for example https://graph.microsoft.com.")
        }
        let need = TokenNeed(audience: CloudHost.audience(audience), account: account)
        return keep(.fed(need), as: text.likeness(expiry: clock.now.seconds + Self.distance))
    }

    /// A placeholder for an access token that the session signed in for.
    func placeholder(for token: OwnToken) -> String {
        let text = TokenText(token.token.reveal())
        HeldSecrets.shared.hold(token.token)
        // What can't be renewed here must be renewed by the module, and in time.
        let expiry = token.grant == nil ? nil : clock.now.seconds + Self.distance
        return keep(.own(token), as: text.likeness(expiry: expiry))
    }

    /// A placeholder for something that only the sign-in service takes.
    func placeholder(forSignIn secret: Secret) -> String {
        HeldSecrets.shared.hold(secret)
        return keep(.signInOnly(secret), as: TokenText(secret.reveal()).likeness(expiry: nil))
    }

    /// What a text stands for; nil when it isn't a placeholder of this session.
    func worth(of text: String) -> Worth? { state.withLock { $0.worth[text] } }

    /// The token behind a placeholder was renewed, and with it the refresh token that others were given with.
    func renewed(_ placeholder: String, _ token: OwnToken, from old: RenewalGrant) {
        HeldSecrets.shared.hold(token.token)
        if let grant = token.grant { HeldSecrets.shared.hold(grant.refreshToken) }
        state.withLock { state in
            if state.worth[placeholder] != nil { state.worth[placeholder] = .own(token) }
            guard let fresh = token.grant?.refreshToken, fresh != old.refreshToken else { return }
            for (text, worth) in state.worth {
                switch worth {
                case .signInOnly(old.refreshToken): state.worth[text] = .signInOnly(fresh)
                case .own(let own) where own.grant?.refreshToken == old.refreshToken:
                    state.worth[text] = .own(own.renewed(by: fresh))
                case .signInOnly, .own, .fed: continue
                }
            }
        }
    }

    /// The placeholders within a text such as a header's value, a target or a body: whole words of the letters that tokens have.
    func placeholders(in text: some Collection<UInt8>) -> [String] {
        // The shortest word that could be one; most texts hold none.
        guard text.count >= 24 else { return [] }
        let words = text.split { !Self.isTokenByte($0) }.filter { $0.count >= 24 }
        guard !words.isEmpty else { return [] }
        return state.withLock { state in
            guard !state.worth.isEmpty else { return [] }
            return words.map { String(decoding: $0, as: UTF8.self) }.filter { state.worth[$0] != nil }
        }
    }

    /// Forgets everything: the session has ended.
    package func clear() {
        state.withLock { $0 = State() }
    }

    private func keep(_ worth: Worth, as placeholder: String) -> String {
        state.withLock { state in
            if state.worth.updateValue(worth, forKey: placeholder) == nil { state.order.append(placeholder) }
            while state.worth.count > limit, state.dropped < state.order.count {
                state.worth[state.order[state.dropped]] = nil
                state.dropped += 1
            }
            if state.dropped > limit {
                state.order.removeFirst(state.dropped)
                state.dropped = 0
            }
        }
        return placeholder
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

/// A token as it is written: taken apart where it is a JWT (RFC 7519), else a text of which only the shape is known.
struct TokenText: Sendable {
    /// The whole token.
    let text: String
    /// Header and claims of a JWT that is signed and not encrypted.
    let parts: (header: Substring, claims: JSONObject)?

    /// Takes a token apart.
    init(_ text: String) {
        self.text = text
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        // The claims of an access token are read as those of an id token are: neither decides what is admitted.
        parts = pieces.count == 3 ? IDToken(text).map { (pieces[0], $0.claims) } : nil
    }

    /// The audience that the token names, in the form that is compared.
    var audience: String? { parts?.claims["aud"]?.string.map(CloudHost.audience) }

    /// When it ends, in seconds since 1970.
    var expiry: Int64? { parts?.claims["exp"]?.double.flatMap { Int64(exactly: $0.rounded(.down)) } }

    /// Another token that looks like this one and is worth nothing: the same claims with another end, a random signature; of
    /// a token that can't be read, random letters and digits in the places of its own.
    /// - Parameter expiry: when it says that it ends; nil leaves the end as it is.
    func likeness(expiry: Int64?) -> String {
        guard let parts else { return Self.scrambled(text) }
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        var payload = String(pieces[1])
        if let expiry {
            var claims = parts.claims
            claims["exp"] = .int(expiry)
            payload = Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url)
        }
        // As long as the signature that it takes the place of, and never so short that it could be guessed.
        let signature = RandomBytes.text(bytes: max(32, pieces[2].utf8.count * 3 / 4))
        return "\(parts.header).\(payload).\(signature)"
    }

    private static func scrambled(_ text: String) -> String {
        let random = RandomBytes.make(text.utf8.count)
        var result: [UInt8] = []
        var count = 0
        for (byte, dice) in zip(text.utf8, random) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): result.append(UInt8(ascii: "a") + dice % 26)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): result.append(UInt8(ascii: "A") + dice % 26)
            case UInt8(ascii: "0")...UInt8(ascii: "9"): result.append(UInt8(ascii: "0") + dice % 10)
            default:
                result.append(byte)
                continue
            }
            count += 1
        }
        let likeness = String(decoding: result, as: UTF8.self)
        return count >= 40 ? likeness : likeness + RandomBytes.text(bytes: 32)
    }
}

/// How a token that a session signed in for by itself is renewed: the refresh token, and what it was given for.
package struct RenewalGrant: Sendable {
    /// The refresh token.
    package let refreshToken: Secret
    /// Where it is taken: the token endpoint's address.
    package let endpoint: String
    /// The app that signed in.
    package let clientID: String
    /// The scopes that are asked for.
    package let scope: String?
    /// The resource that is asked for at the older endpoint.
    package let resource: String?
    /// The claims that are asked for: that the client heeds challenges.
    package let claims: String?

    /// The same with the refresh token that took the place of this one.
    func with(_ refreshToken: Secret) -> RenewalGrant {
        RenewalGrant(
            refreshToken: refreshToken, endpoint: endpoint, clientID: clientID, scope: scope, resource: resource,
            claims: claims)
    }
}
