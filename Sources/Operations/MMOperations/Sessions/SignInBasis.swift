package import MMCore
import MMIdentity
import MMPowerShell
import MMSystem

/// The basis of a session's sign-in: the connection's registry entry when the session was started, and the account
/// whose tokens it gets. If either is no longer valid, the session is ended before its next command.
package struct SignInBasis: Sendable {
    /// The connection, as its module sees it.
    package let connection: Connection
    private let module: String
    private let registry: ConnectionRegistry
    private let pins: PinStore
    /// The registry revision in which the connection was last found unchanged.
    private let known = KnownRevision()

    private final class KnownRevision: Sendable {
        private let number = Mutex(0)
        var value: Int {
            get { number.withLock { $0 } }
            set { number.withLock { $0 = newValue } }
        }
    }

    /// Creates the basis of a session that is being started.
    /// - Throws: `notFound` or `invalidInput` for the connection.
    package init(
        of name: String, module: String, in snapshot: RegistrySnapshot, registry: ConnectionRegistry, paths: StatePaths
    ) throws(MMError) {
        connection = try Self.connection(name, module, in: snapshot)
        self.module = module
        self.registry = registry
        pins = PinStore(path: paths.pinFile)
    }

    /// Returns a connection as the sessions of a module see it: a SharePoint host that becomes known later, with the
    /// sign-in of another module, is no reason to end them.
    private static func connection(
        _ name: String, _ module: String, in snapshot: RegistrySnapshot
    ) throws(MMError) -> Connection {
        let isConcerned = (try? ModuleProfiles.named(module))?.usesSharePointHost ?? false
        return try (isConcerned ? snapshot : snapshot.withoutGivenHosts).connection(named: name)
    }

    /// Returns whether the basis is still valid: the connection is unchanged, and the account has not signed out.
    /// - Parameter bearer: the source of the session's tokens; `nil` if its module signs in by itself.
    func isValid(fedBy bearer: SessionBearer?) async -> Bool {
        // A registry that can't be read at the moment must not end running sessions.
        guard let snapshot = try? registry.snapshot() else { return true }
        // The same revision needs no second comparison.
        if snapshot.revision == 0 || snapshot.hasGiven || snapshot.revision != known.value {
            guard let now = try? Self.connection(connection.name, module, in: snapshot) else {
                // Editors replace a file by moving it away first; whether it comes back is only seen then.
                return snapshot.revision == 0
            }
            guard Terms(now) == Terms(connection) else { return false }
            known.value = snapshot.revision
        }
        return await bearer?.holdsAccount() ?? true
    }

    /// Pins the connection to the account that signed in through a module, if no account was pinned before.
    /// - Throws: `forbidden` if another account was pinned meanwhile.
    func pin(_ signedIn: SessionIdentity) async throws(MMError) {
        let claims = signedIn.claims
        guard signedIn.isInteractive, connection.pin == nil, let tenant = claims.tenantID else { return }
        let (pins, name) = (pins, connection.name)
        let account = AccountPin(tenantId: tenant, objectId: claims.objectID, username: claims.account)
        let held = try await BlockingWork.run { () throws(MMError) -> AccountPin? in
            try pins.pin(name, to: account, now: WallClock.system.now)
            return try pins.pin(of: name)
        }
        // If the connection names an account, its name was checked already; it may differ from the pinned name.
        guard connection.expectedEmail == nil, let held,
            !held.matches(tenantId: tenant, objectId: claims.objectID, username: claims.account)
        else { return }
        throw MMError(
            .forbidden,
            "\(signedIn.name) signed in, but the connection \(name) is pinned to "
                + "\(held.name(beside: claims.account ?? "")).",
            hint:
                "The session was signed out. To use another account: mm logout \(ShellWord.quoted(name)) --forget-account.",
            details: ["connection": .string(name), "signedIn": .string(signedIn.name)])
    }

    /// The values of a registry entry that a session's sign-in or start depends on.
    private struct Terms: Equatable {
        let ids: [String?]
        let apps: [String: String]
        let auth: ConnectionAuth
        let pin: AccountPin?
        let isConstrained: Bool
        let egress: ConnectionEgress
        let confinement: ConnectionConfinement
        let shared: [String]

        init(_ connection: Connection) {
            ids = [
                connection.appId, connection.tenant, connection.tenantId, connection.cloud,
                connection.expectedEmail?.lowercased(), connection.sharepointHost, connection.subscription,
            ]
            apps = connection.moduleApps
            auth = connection.auth
            pin = connection.pin
            isConstrained = connection.language == .constrained || connection.isReadOnly
            egress = connection.egress
            confinement = connection.confinement
            shared = connection.shared
        }
    }
}
