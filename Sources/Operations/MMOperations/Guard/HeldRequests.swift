package import MMCore
package import MMGuard

/// What waits for a person in this home: in its own ledger, and in those of the pools that serve one connection each. A
/// session may have spoilt its pool's own; that is no reason not to show the others.
package struct HeldRequests: Sendable {
    /// A request, and the ledger that holds it.
    package struct Held: Sendable {
        package let ledger: ConfirmationLedger
        package let request: PendingConfirmation
    }

    private let ledger: ConfirmationLedger
    private let isolated: String

    /// What waits in a home.
    package init(_ ledger: ConfirmationLedger, paths: StatePaths) {
        self.ledger = ledger
        isolated = paths.isolatedDirectory
    }

    /// All that waits for a yes or no, oldest first in each ledger.
    /// - Throws: the errors of reading the home's own ledger.
    package func all() async throws(MMError) -> [Held] {
        var held = try await ledger.all().map { Held(ledger: ledger, request: $0) }
        for ledger in others() { held += ((try? await ledger.all()) ?? []).map { Held(ledger: ledger, request: $0) } }
        return held.filter { $0.request.state == .pending }
    }

    /// What to say where other nodes of a cluster can't be asked what waits there.
    package func note() async -> String? { await ledger.absence().map { "\($0.message) \(Self.alone)" } }

    /// What holds for what is asked while nothing is shared.
    static let alone = "Only what this node asked meanwhile is known here, and it is answered here."

    /// The entry of a token, and the ledger that holds it.
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

    /// All standing approvals, each with its ledger.
    /// - Throws: the errors of reading the home's own ledger.
    package func standing() async throws(MMError) -> [(ledger: ConfirmationLedger, approval: StandingApproval)] {
        var found = try await ledger.standing().map { (ledger: ledger, approval: $0) }
        for ledger in others() {
            found += ((try? await ledger.standing()) ?? []).map { (ledger: ledger, approval: $0) }
        }
        return found
    }

    /// Takes a standing approval back, wherever it lies.
    /// - Throws: `notFound` for one that no longer holds.
    package func revoke(_ id: String) async throws(MMError) -> StandingApproval {
        let place = try await standing().first { $0.approval.id == id }?.ledger ?? ledger
        return try await place.revoke(id)
    }

    private func others() -> [ConfirmationLedger] {
        let folders = (try? FolderListing.names(in: isolated))?.sorted() ?? []
        return folders.map { ConfirmationLedger(path: "\(isolated)/\($0)/home/.m365-state/confirmations.json") }
    }
}
