package import MMCore

/// A connection with everything that its sign-in needs, validated.
package struct SignInTarget: Sendable {
    /// The connection's name.
    package let connection: String
    /// The app registration; empty where a machine's identity or somebody else's token is taken whichever app it is.
    package let clientID: String
    /// The authority to sign in at.
    package let authority: Authority
    /// The account that must have signed in.
    package let expectedEmail: String?
    /// The account that the registry pins.
    package let registryPin: AccountPin?
    /// Under what name its tokens are kept, where that is not the app.
    package var cacheClient: String? = nil

    /// Everything that must agree for two sign-ins to be the same.
    var identity: [String] {
        [connection, clientID.lowercased(), authority.cloud.login, authority.tenant] + [cacheClient].compactMap(\.self)
    }
}
