package import MMCore
internal import MMIdentity

/// The tokens of one session, which the session itself never sees: it gets placeholders, and this vault maps each to
/// its token.
///
/// A placeholder is valid only on this session's own proxy, and there only for the hosts of its token's audience.
package final class PlaceholderVault: Sendable {
    /// The meaning of a placeholder.
    enum Worth: Sendable {
        /// An access token that the connection's sign-in renews.
        case fed(TokenNeed)
        /// An access token from the session's own sign-in.
        case own(OwnToken)
        /// A secret that only the sign-in service accepts: a refresh token, a device code, an id token.
        case signInOnly(Secret)

        /// Whether it comes from the session's own sign-in.
        var isModulesOwn: Bool {
            if case .fed = self { false } else { true }
        }

        /// The audience of an access token; `nil` for a secret that only the sign-in service accepts.
        var audience: String? {
            switch self {
            case .fed(let need): need.audience
            case .own(let token): token.audience
            case .signInOnly: nil
            }
        }
    }

    /// An access token that came through the proxy, and how it is renewed.
    struct OwnToken: Sendable {
        let audience: String
        let token: Secret
        /// The expiry in seconds since 1970; `nil` if it is unknown.
        let expiry: Int64?
        let grant: RenewalGrant?

        /// Returns the same token with another refresh token.
        func renewed(by refreshToken: Secret) -> OwnToken {
            OwnToken(audience: audience, token: token, expiry: expiry, grant: grant?.with(refreshToken))
        }
    }

    private struct State {
        var worth: [String: Worth] = [:]
        var order: [String] = []
        /// The number of oldest entries in `order` that have been removed.
        var dropped = 0
    }

    /// The stated lifetime, in seconds, of a placeholder that always maps to a valid token: no module reconnects before
    /// its end.
    static let distance: Int64 = 10 * 365 * 86_400

    /// The stated lifetime of a placeholder for a token of the connection's own sign-in.
    package static let life = Duration.seconds(distance)

    private let state = Mutex(State())
    private let clock: WallClock
    private let limit: Int

    /// Creates an empty vault.
    /// - Parameters:
    ///   - clock: the time of day.
    ///   - limit: the maximum number of placeholders, the newest ones: a session may sign in again and again.
    package init(clock: WallClock = .system, limit: Int = 4_096) {
        self.clock = clock
        self.limit = limit
    }

    /// Returns a placeholder for a token of the connection's own sign-in, which `TokenSource` renews.
    /// - Parameters:
    ///   - token: a valid token; modules read its header and claims.
    ///   - account: the account, as the source knows it.
    ///   - audience: the audience; `nil` uses the token's own.
    /// - Throws: `.invalidInput` if the audience is unknown.
    package func placeholder(for token: Secret, account: String, audience: String? = nil) throws(MMError) -> String {
        let text = TokenText(token.reveal())
        guard let audience = audience ?? text.audience else {
            throw MMError(
                .invalidInput, "The token has no audience.",
                hint: "Give the audience of its service, for example https://graph.microsoft.com.")
        }
        let need = TokenNeed(audience: CloudHost.audience(audience), account: account)
        return keep(.fed(need), as: text.likeness(expiry: clock.now.seconds + Self.distance))
    }

    /// Returns a placeholder for an access token from the session's own sign-in.
    func placeholder(for token: OwnToken) -> String {
        let text = TokenText(token.token.reveal())
        HeldSecrets.shared.hold(token.token)
        // A token that can't be renewed here must be renewed by the module in time, so its placeholder keeps the real
        // expiry.
        let expiry = token.grant == nil ? nil : clock.now.seconds + Self.distance
        return keep(.own(token), as: text.likeness(expiry: expiry))
    }

    /// Returns a placeholder for a secret that only the sign-in service accepts.
    func placeholder(forSignIn secret: Secret) -> String {
        HeldSecrets.shared.hold(secret)
        return keep(.signInOnly(secret), as: TokenText(secret.reveal()).likeness(expiry: nil))
    }

    /// Returns the meaning of a text; `nil` if it isn't a placeholder of this session.
    func worth(of text: String) -> Worth? { state.withLock { $0.worth[text] } }

    /// Stores the renewed token of a placeholder, and updates other placeholders that use the same refresh token.
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

    /// Returns the placeholders in a text such as a header's value, a target or a body: whole words of the characters
    /// that tokens have.
    func placeholders(in text: some Collection<UInt8>) -> [String] {
        // No placeholder is shorter, and most texts contain no word of this length.
        guard text.count >= 24 else { return [] }
        let words = text.split { !Self.isTokenByte($0) }.filter { $0.count >= 24 }
        guard !words.isEmpty else { return [] }
        return state.withLock { state in
            guard !state.worth.isEmpty else { return [] }
            return words.map { String(decoding: $0, as: UTF8.self) }.filter { state.worth[$0] != nil }
        }
    }

    /// Removes everything at the end of the session.
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

/// A token's text: split into its parts if it is a JWT (RFC 7519), otherwise opaque.
struct TokenText: Sendable {
    /// The whole token.
    let text: String
    /// The header and claims of a JWT that is signed and not encrypted.
    let parts: (header: Substring, claims: JSONObject)?

    /// Parses a token.
    init(_ text: String) {
        self.text = text
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        // Access tokens are parsed like id tokens; their claims don't decide about access here.
        parts = pieces.count == 3 ? IDToken(text).map { (pieces[0], $0.claims) } : nil
    }

    /// The audience that the token names, normalised for comparison.
    var audience: String? { parts?.claims["aud"]?.string.map(CloudHost.audience) }

    /// The expiry in seconds since 1970.
    var expiry: Int64? { parts?.claims["exp"]?.double.map { Timestamp(clamping: $0).seconds } }

    /// Returns a worthless token that looks like this one: the same claims with another expiry and a random signature;
    /// for an opaque token, random letters and digits in place of its own.
    /// - Parameter expiry: the stated expiry; `nil` leaves it unchanged.
    func likeness(expiry: Int64?) -> String {
        guard let parts else { return Self.scrambled(text) }
        let pieces = text.split(separator: ".", omittingEmptySubsequences: false)
        var payload = String(pieces[1])
        if let expiry {
            var claims = parts.claims
            claims["exp"] = .int(expiry)
            payload = Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url)
        }
        // As long as the original signature, but never short enough to be guessed.
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

/// The means to renew a token from the session's own sign-in: the refresh token and its parameters.
package struct RenewalGrant: Sendable {
    /// The refresh token.
    package let refreshToken: Secret
    /// The token endpoint's address.
    package let endpoint: String
    /// The client id of the app that signed in.
    package let clientID: String
    /// The requested scopes.
    package let scope: String?
    /// The requested resource, at the older endpoint.
    package let resource: String?
    /// The requested claims, which state that the client handles claims challenges.
    package let claims: String?

    /// Returns the same grant with a new refresh token.
    func with(_ refreshToken: Secret) -> RenewalGrant {
        RenewalGrant(
            refreshToken: refreshToken, endpoint: endpoint, clientID: clientID, scope: scope, resource: resource,
            claims: claims)
    }
}
