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

    /// Returns all standing approvals with their ledgers.
    /// - Throws: the errors of reading the home's own ledger.
    package func standing() async throws(MMError) -> [(ledger: ConfirmationLedger, approval: StandingApproval)] {
        var found = try await ledger.standing().map { (ledger: ledger, approval: $0) }
        for ledger in others() {
            found += ((try? await ledger.standing()) ?? []).map { (ledger: ledger, approval: $0) }
        }
        return found
    }

    /// Revokes a standing approval, whichever ledger holds it.
    /// - Throws: `notFound` for one that is no longer valid.
    package func revoke(_ id: String) async throws(MMError) -> StandingApproval {
        let place = try await standing().first { $0.approval.id == id }?.ledger ?? ledger
        return try await place.revoke(id)
    }

    private func others() -> [ConfirmationLedger] {
        let folders = (try? FolderListing.names(in: isolated))?.sorted() ?? []
        return folders.map { ConfirmationLedger(path: "\(isolated)/\($0)/home/.m365-state/confirmations.json") }
    }
}
