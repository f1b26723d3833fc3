package import MMCore
package import MMIdentity

/// What happens on the wire of a session, for audit, metrics and those who wait for a sign-in.
package enum EgressEvent: Sendable {
    /// A request has ended, whatever became of it.
    case request(EgressRecord)
    /// A connection was refused before it held a request that could be read.
    case refusedConnection(WireFault, host: String?)
    /// A placeholder arrived where its token is not taken: something carried it there.
    case placeholderElsewhere(host: String, audience: String?)
    /// A credential arrived that this session was not given by us.
    case foreignCredential(host: String)
    /// A request is held open while somebody is asked.
    case held(number: UInt64, host: String, method: String)
    /// Something happened at the sign-in service.
    case signIn(SignInEvent)
}

/// A step of a sign-in that a session makes by itself.
package enum SignInEvent: Sendable {
    /// Somebody must open an address and enter a code.
    case code(SignInCode)
    /// The sign-in service waits for the person.
    case pending
    /// Somebody signed in.
    case signedIn(SignedInIdentity)
    /// The sign-in service gave a refresh token, for the cache of those who want it there.
    case refreshToken(RenewalGrant, SignedInIdentity?)
    /// The sign-in ended without a token.
    case failed(EntraError)
    /// The person whom another account was expected of signed in: the tokens were withheld.
    case refused(RequestRefusal)
    /// What the session was signed in with is good no more: a person has to sign in again.
    /// - Parameter isModules: whether the module had signed in by itself, not with the connection's tokens.
    case over(MMError, isModules: Bool)
}

/// A device code, as a person needs it.
package struct SignInCode: Sendable, Hashable {
    /// What the person types.
    package let userCode: String
    /// Where the person types it.
    package let address: String
    /// When it ends.
    package let expiresAt: Timestamp
    /// The app that signs in.
    package let clientID: String?
}

/// Who signed in, as the sign-in service says.
package struct SignedInIdentity: Sendable, Hashable {
    /// The tenant's id.
    package let tenantID: String
    /// The account's id in that tenant.
    package let objectID: String
    /// The name by which the account signs in; nil for apps.
    package let username: String?
    /// The app that signed in.
    package let clientID: String?
}
