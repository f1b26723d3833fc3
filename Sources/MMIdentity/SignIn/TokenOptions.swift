package import MMCore

/// What a caller wants of a token besides that it works.
package struct TokenOptions: Sendable {
    /// Whether a code may be shown to a person.
    package enum Interaction: Sendable, Hashable {
        /// Start or go on with a sign-in where one is needed.
        case allowed
        /// Only what works without a person.
        case never
    }

    /// Whether tokens that are there already count.
    package enum Renewal: Sendable, Hashable {
        /// They count.
        case no
        /// A new code, whatever there is.
        case start
        /// The code that `start` brought is asked about, whatever there is.
        case goOn
    }

    /// Whether a code may be shown.
    package var interaction: Interaction
    /// A token that the service has just refused.
    package var rejecting: Secret?
    /// When that token was used, in unix seconds.
    package var rejectedAt: Int64
    /// The claims that the service asked for when it refused.
    package var claims: String?
    /// Whether tokens that are there already count.
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

    /// What makes two calls the same call.
    var key: String { "\(interaction)\u{0}\(rejecting?.reveal() ?? "")\u{0}\(claims ?? "")\u{0}\(renewal)" }
}
