import MMCore
import MMIdentity
import MMMCP
import MMOperations

/// The people whose access tokens were admitted: who they are, and the newest token of each, for connections that act on
/// behalf of their callers. It is in memory alone, and a token leaves it when it ends.
final class PrincipalTable: Sendable {
    private struct Entry: Sendable {
        let principal: Caller.Principal
        let token: Secret
        let endsAt: Timestamp
        let issuedAt: Timestamp
        /// What a service behind this one demands of a new token, until the client was told.
        var demand: CallerRefusal?
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let clock: WallClock
    /// At how many entries those that have ended are looked for.
    private static let many = 1000

    /// An empty table.
    init(clock: WallClock = .system) {
        self.clock = clock
    }

    /// Notes an admitted token.
    /// - Returns: its owner, as the engine knows them.
    func note(_ holder: TokenHolder, _ token: Secret) -> Principal {
        let name = "oauth:" + holder.id
        let entry = Entry(
            principal: Caller.Principal(id: holder.id, name: holder.name), token: token, endsAt: holder.endsAt,
            issuedAt: holder.issuedAt ?? holder.endsAt)
        let now = clock.now
        entries.withLock { entries in
            if entries.count >= Self.many { entries = entries.filter { $0.value.endsAt > now } }
            // The end says nothing of which is newer: services give tokens lives of different lengths.
            if let known = entries[name], known.issuedAt > entry.issuedAt || known.token == entry.token { return }
            entries[name] = entry
        }
        return Principal(name)
    }

    /// Notes that a call failed because its caller has to sign in again: the next request with the same token is answered so,
    /// once, in the form that a client understands.
    func note(_ error: MMError, of principal: Principal) {
        guard error.code == .signInNeeded, error.details["challenge"] != nil else { return }
        var demand = CallerRefusal(.invalid, "Sign in again: a service behind this server demands it.")
        demand.claims = error.details["claims"]?.string
        entries.withLock { $0[principal.name]?.demand = demand }
    }

    /// What the owner of a token has to be told, once.
    func demand(on principal: Principal, _ token: Secret) -> CallerRefusal? {
        entries.withLock { entries in
            guard entries[principal.name]?.token == token else { return nil }
            defer { entries[principal.name]?.demand = nil }
            return entries[principal.name]?.demand
        }
    }

    /// Completes a call with who makes it, and their token.
    func complete(_ call: inout CallContext, for principal: Principal) {
        guard let entry = entries.withLock({ $0[principal.name] }) else { return }
        call.caller.signedIn = entry.principal
        call.assertion = entry.token
    }

    /// Whether a principal was admitted by an access token.
    static func holds(_ principal: Principal) -> Bool { principal.name.hasPrefix("oauth:") }
}
