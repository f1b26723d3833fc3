package import MMCore

/// What a caller requires of a token beyond being valid.
package struct TokenOptions: Sendable {
    /// Whether a person may be asked to sign in.
    package enum Interaction: Sendable, Hashable {
        /// A sign-in may be started or continued if needed.
        case allowed
        /// Only what works without a person is done.
        case never
    }

    /// Whether existing tokens are accepted.
    package enum Renewal: Sendable, Hashable {
        /// Existing tokens are accepted.
        case no
        /// A new code is requested, whatever exists.
        case start
        /// The code from `start` is polled, whatever exists.
        case goOn
    }

    /// Whether a person may be asked to sign in.
    package var interaction: Interaction
    /// A token that the service has just refused.
    package var rejecting: Secret?
    /// When that token was used, in seconds since 1970.
    package var rejectedAt: Int64
    /// The claims that the service demanded when it refused the token.
    package var claims: String?
    /// Whether existing tokens are accepted.
    package var renewal: Renewal

    package init(
        interaction: Interaction = .allowed, rejecting: Secret? = nil, rejectedAt: Int64 = 0, claims: String? = nil,
        renewal: Renewal = .no
    ) {
        self.interaction = interaction
        self.rejecting = rejecting
        self.rejectedAt = rejectedAt
        self.claims = claims
        self.renewal = renewal
    }

    /// A key that is equal for calls that can share a result.
    var key: String { "\(interaction)\u{0}\(rejecting?.reveal() ?? "")\u{0}\(claims ?? "")\u{0}\(renewal)" }
}
