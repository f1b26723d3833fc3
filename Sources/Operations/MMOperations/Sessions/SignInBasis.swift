package import MMCore
import MMIdentity
import MMPowerShell
import MMSystem

/// What the sign-in of a connection's session rests on: the connection's entry as it was when the session was started, and
/// the tokens that it was fed from. A session whose ground is gone is ended before its next command.
package struct SignInBasis: Sendable {
    private let connection: Connection
    private let registry: ConnectionRegistry
    private let pins: PinStore
    /// The registry in which the connection was found to be what it was.
    private let known = KnownRevision()

    private final class KnownRevision: Sendable {
        private let number = Mutex(0)
        var value: Int {
            get { number.withLock { $0 } }
            set { number.withLock { $0 = newValue } }
        }
    }

    /// The ground of a session that is being started.
    package init(
        of connection: Connection, registry: ConnectionRegistry, paths: StatePaths
    ) {
        self.connection = connection
        self.registry = registry
        pins = PinStore(path: paths.pinFile)
    }

    /// Whether it stands: the connection still is what it was, and whose tokens were fed has not signed out.
    /// - Parameter bearer: who gives the tokens that the session was signed in with; `nil` where its module has its own.
    func isValid(fedBy bearer: SessionBearer?) async -> Bool {
        // A registry that can't be read at the moment is no reason to end what runs.
        guard let snapshot = try? registry.snapshot() else { return true }
        // The same file says the same.
        if snapshot.revision == 0 || snapshot.hasGiven || snapshot.revision != known.value {
            guard let now = try? snapshot.connection(named: connection.name), Terms(now) == Terms(connection) else {
                return false
            }
            known.value = snapshot.revision
        }
        return await bearer?.holdsAccount() ?? true
    }

    /// Holds the connection to the account that signed in through a module, where no account was known before.
    /// - Throws: `forbidden` when another account was pinned meanwhile.
    func pin(_ signedIn: SessionIdentity) async throws(MMError) {
        let claims = signedIn.claims
        guard signedIn.isInteractive, connection.pin == nil, let tenant = claims.tenantID else { return }
        let (pins, name) = (pins, connection.name)
        let account = AccountPin(tenantId: tenant, objectId: claims.objectID, username: claims.account)
        let held = try await BlockingWork.run { () throws(MMError) -> AccountPin? in
            try pins.pin(name, to: account, now: WallClock.system.now)
            return try pins.pin(of: name)
        }
        // An account that the connection names was checked by its name already; it may have had another one when it was pinned.
        guard connection.expectedEmail == nil, let held,
            !held.matches(tenantId: tenant, objectId: claims.objectID, username: claims.account)
        else { return }
        throw MMError(
            .forbidden, "\(signedIn.name) signed in, but the connection \(name) is pinned to another account.",
            hint:
                "That session was signed out. To pin another account: mm logout \(ShellWord.quoted(name)) --forget-account.",
            details: ["connection": .string(name), "signedIn": .string(signedIn.name)])
    }

    /// The keys of an entry that a session is signed in by, or started with.
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
