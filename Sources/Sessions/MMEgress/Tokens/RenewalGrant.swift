package import MMCore

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
