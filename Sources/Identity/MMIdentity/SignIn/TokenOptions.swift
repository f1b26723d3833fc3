package import MMCore

/// The requirements of a caller for a token, beyond being valid.
package struct TokenOptions: Sendable {
    /// Whether a person may be asked to sign in.
    package enum Interaction: Sendable, Hashable {
        /// A sign-in may be started or continued if needed.
        case allowed
        /// Only steps that work without a person are taken.
        case never
    }

    /// Whether existing tokens are accepted.
    package enum Renewal: Sendable, Hashable {
        /// Existing tokens are accepted.
        case no
        /// A new code is requested, whatever exists.
        case start
        /// The code from `start` is polled, whatever exists.
        case resume
    }

    /// Whether a person may be asked to sign in.
    package var interaction: Interaction
    /// A token that the service has just refused.
    package var refusedToken: Secret?
    /// When that token was used, in seconds since 1970.
    package var refusedAt: Int64
    /// Whether the service really refused the token, so that it must not be used again; otherwise it is only to be
    /// renewed.
    package var dropsRefused = false
    /// The claims that the service demanded when it refused the token.
    package var claims: String?
    /// Whether existing tokens are accepted.
    package var renewal: Renewal
    /// Whether somebody asks for a sign-in now: an expired code is then replaced, however many expired before it.
    var isAsked = false

    package init(
        interaction: Interaction = .allowed, refusedToken: Secret? = nil, refusedAt: Int64 = 0, claims: String? = nil,
        renewal: Renewal = .no
    ) {
        self.interaction = interaction
        self.refusedToken = refusedToken
        self.refusedAt = refusedAt
        self.claims = claims
        self.renewal = renewal
    }

    /// Returns the requirements of somebody who asks for a sign-in.
    /// - Parameter renewing: whether to sign in again even if there are valid tokens.
    static func asking(renewing: Bool) -> TokenOptions {
        var options = TokenOptions(renewal: renewing ? .start : .no)
        options.isAsked = true
        return options
    }

    /// A key that is equal for calls that can share a result.
    var key: String {
        "\(interaction)\u{0}\(refusedToken?.reveal() ?? "")\u{0}\(claims ?? "")\u{0}\(renewal)\u{0}\(dropsRefused)"
            + "\u{0}\(isAsked)"
    }
}
