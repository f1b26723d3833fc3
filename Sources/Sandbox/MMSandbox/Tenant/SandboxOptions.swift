package import MMCore

/// How a sandbox tenant is set up. The defaults suit the demonstration; tests and benchmarks turn the numbers.
package struct SandboxOptions: Sendable {
    /// What a refresh does to the refresh token that was used.
    package enum RefreshRotation: Sendable {
        /// The same refresh token goes on.
        case keep
        /// A new one is handed out; the old one stays valid, as in Entra.
        case renew
        /// A new one is handed out and the old one is dead at once: finds clients that lose the new one.
        case renewAndRevoke
    }

    /// Two tenants with the same seed have the same people, groups, mail and files.
    package var seed: UInt64 = 1
    /// How many users the directory starts with.
    package var userCount = 5_000
    /// How many customers the tenant administers for, each a tenant of its own in the same process.
    package var customerCount = 0
    /// How many users each customer has.
    package var customerUserCount = 12
    /// Which tenant it is.
    var organization = SandboxOrganization.own
    /// How many mailboxes Exchange has; `nil` for one a user.
    package var mailboxCount: Int?
    /// The time of the services.
    package var clock: WallClock = .system
    /// How long an access token lives, in seconds.
    package var accessTokenLifetime: Int64 = 4_821
    /// How many groups an access token for the tenant's own API names; of an account with more it names none.
    package var groupsInTokens = 200
    /// How long a device code lives, in seconds.
    package var deviceCodeLifetime: Int64 = 900
    /// How many seconds a client must wait between two polls.
    package var pollInterval: Int64 = 5
    /// What a refresh does to the refresh token that was used.
    package var refreshRotation: RefreshRotation = .renew
    /// What guards the control endpoints; made up anew unless given.
    package var controlSecret = Secret(RandomBytes.text(bytes: 24))
    /// The TCP port; 0 takes any free one.
    package var port: UInt16 = 0

    /// The defaults.
    package init() {}
}
