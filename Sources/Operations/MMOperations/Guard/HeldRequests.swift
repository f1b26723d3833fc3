package import MMCore
package import MMGuard

/// The requests of this home that wait for a person: in its own ledger, and in those of the pools that serve one
/// connection each. A session may have corrupted its pool's ledger; the other ledgers are still shown.
package struct HeldRequests: Sendable {
    /// A request and the ledger that holds it.
    package struct Held: Sendable {
        package let ledger: ConfirmationLedger
        package let request: PendingConfirmation
    }

    private let ledger: ConfirmationLedger
    private let isolated: String

    /// Creates the view of a home's waiting requests.
    package init(_ ledger: ConfirmationLedger, paths: StatePaths) {
        self.ledger = ledger
        isolated = paths.isolatedDirectory
    }

    /// Returns all requests that wait for an answer, the oldest of each ledger first.
    /// - Throws: the errors of reading the home's own ledger.
    package func all() async throws(MMError) -> [Held] {
        var held = try await ledger.all().map { Held(ledger: ledger, request: $0) }
        for ledger in others() { held += ((try? await ledger.all()) ?? []).map { Held(ledger: ledger, request: $0) } }
        return held.filter { $0.request.state == .pending }
    }

    /// Returns a note where the other nodes of a cluster can't be reached.
    package func note() async -> String? { await ledger.absence().map { "\($0.message) \(Self.alone)" } }

    /// The consequence, for the user, of ledgers that aren't shared at present.
    static let alone = "Only requests that this node holds are listed, and they can be answered here."

    /// Returns the request with a token and the ledger that holds it.
    /// - Throws: `notFound` when no such request waits.
    package func held(_ token: String) async throws(MMError) -> Held {
        do throws(MMError) {
            return Held(ledger: ledger, request: try await ledger.pending(token))
        } catch {
            guard error.code == .notFound else { throw error }
            for ledger in others() {
                if let request = try? await ledger.pending(token) { return Held(ledger: ledger, request: request) }
            }
            throw error
        }
    }

    /// Allows classes on a connection for a while, in every ledger by which its calls are judged.
    /// - Throws: as `ConfirmationLedger.allow`.
    package func allow(
        _ classes: [GuardClass], on connection: Connection, for duration: Duration, by approver: Approver,
        check: PersonCheck
    ) async throws(MMError) -> [StandingApproval] {
        let made = try ledger.approvals(
            of: classes, on: connection.name, as: connection.identity, for: duration, by: approver, check: check)
        // A pool of this connection alone may start only later; where none ever did, there is no such folder.
        if FileStamp.mayExist(isolated) {
            try await other(StatePaths.isolatedName(of: connection.name)).keep(made)
        }
        try await ledger.keep(made)
        return made
    }

    /// Returns all standing approvals. One that several ledgers hold is listed once.
    /// - Throws: the errors of reading the home's own ledger.
    package func standing() async throws(MMError) -> [StandingApproval] {
        var found = try await ledger.standing()
        // An approval with a known ID but other terms is another one: a session may have written it.
        for ledger in others() {
            found += ((try? await ledger.standing()) ?? []).filter { !found.contains($0) }
        }
        return found
    }

    /// Revokes a standing approval in every ledger that holds it; first in the home's own, which no session can block.
    /// - Throws: `notFound` for one that is no longer valid.
    package func revoke(_ id: String) async throws(MMError) -> StandingApproval {
        let own = await Result { () async throws(MMError) in try await ledger.revoke(id) }
        var gone: StandingApproval?
        for ledger in others() {
            guard let standing = try? await ledger.standing() else { continue }
            if standing.contains(where: { $0.id == id }) { gone = try await ledger.revoke(id) }
        }
        if let gone, case .failure(let error) = own, error.code == .notFound { return gone }
        return try own.get()
    }

    private func others() -> [ConfirmationLedger] {
        ((try? FolderListing.names(in: isolated)) ?? []).sorted().map(other)
    }

    /// Returns the ledger of a pool that serves one connection.
    private func other(_ name: String) -> ConfirmationLedger {
        ConfirmationLedger(path: "\(isolated)/\(name)/home/.m365-state/confirmations.json")
    }
}
