package import MMCore

/// A connection with everything that its sign-in needs, validated.
package struct SignInTarget: Sendable {
    /// The connection's name.
    package let connection: String
    /// The id of the app registration; empty if the token of a machine's identity or an external token is accepted for
    /// any app.
    package let clientID: String
    /// The authority to sign in at.
    package let authority: Authority
    /// The account that must have signed in.
    package let expectedEmail: String?
    /// The account that must have signed in, by its id in its home tenant.
    package var homeAccountID: String? = nil
    /// The account that the registry pins.
    package let registryPin: AccountPin?
    /// The name that its tokens are stored under, if it isn't the app's.
    package var cacheClient: String? = nil
    /// The file in which another program keeps tokens that this connection shares.
    var sharedCache: String? = nil
    /// The tenant's id where the authority names the tenant by its domain, as far as the sign-in service was asked.
    var foundTenantID: String? = nil

    /// The values that must agree for two sign-ins to be the same.
    var identity: [String] {
        [connection, clientID.lowercased(), authority.cloud.login, authority.tenant] + [cacheClient].compactMap(\.self)
    }
}
