import MMCore
import MMOperations
import MMPool
import MMSystem

/// Carries operations out where they belong: what outlives a call in the user's pool, the rest in this process.
struct PooledOperationService: OperationService {
    let catalogue: Catalogue
    private let local: LocalOperationService
    private let finder: PoolFinder
    private let isInSession: Bool

    /// A service.
    /// - Parameters:
    ///   - local: carries out what needs no pool.
    ///   - finder: finds the pool, and starts it.
    ///   - isInSession: whether this process runs in a session itself.
    init(local: LocalOperationService, finder: PoolFinder, isInSession: Bool) {
        catalogue = local.catalogue
        self.local = local
        self.finder = finder
        self.isInSession = isInSession
    }

    private func remote(_ pool: RunningPool) -> RemoteOperationService {
        RemoteOperationService(pool.client, catalogue: catalogue)
    }

    /// Carries out one operation.
    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        switch operation.declaration.home {
        case .anywhere:
            try await checkAnswers(operation)
            return try await local.call(operation, arguments, in: context)
        case .besideSessions: return try await inPool(starting: false, operation, arguments, context)
        case .detachable where context.backgroundAfter == nil:
            return try await local.call(operation, arguments, in: context)
        case .detachable: return try await inPool(starting: true, operation, arguments, context)
        case .pool: return try await inPool(starting: true, operation, arguments, context)
        }
    }

    /// What waits for a person lies with all nodes of a cluster. Who looks here alone would find nothing.
    private func checkAnswers(_ operation: AnyOperation) async throws(MMError) {
        guard ClusterAnswers.operations.contains(operation.declaration.name),
            (try? await finder.running())?.handshake.isNode == true
        else { return }
        throw MMError(
            .unavailable, "This machine's pool is one of several, and what waits for a person lies with all of them.",
            hint: "Set MM_CLUSTER and MM_CLUSTER_KEY_FILE here as they are for the pool, or answer on its page.",
            details: ["cluster": "key"])
    }

    /// Ends what a client that has gone leaves behind, here and in the pool where one runs.
    func forget(_ client: CallContext) async {
        await local.forget(client)
        if let pool = try? await finder.running() { await remote(pool).forget(client) }
    }

    /// A pool that stops, or gives way to a later one, between two words of ours was not asked anything: the next one is.
    private func inPool(
        starting: Bool, _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let sent = isInSession ? context.withoutPerson : context
        var left = 4
        while true {
            guard let pool = starting ? try await finder.started() : try await finder.running() else {
                return try await local.call(operation, arguments, in: context)
            }
            try pool.handshake.requireSameWire(at: pool.client.address)
            left -= 1
            do throws(MMError) {
                return try await remote(pool).call(operation, arguments, in: sent)
            } catch {
                if error.code == .cancelled, !Task.isCancelled {
                    throw await cutOff(operation.declaration.name, error, by: pool)
                }
                guard error.isOfLeavingPool, left > 0 else { throw error }
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// The error for a call that was called off, but not by its caller: the pool was stopped, or somebody ended the session.
    private func cutOff(_ name: String, _ error: MMError, by pool: RunningPool) async -> MMError {
        guard let now = try? await finder.running(), now.handshake.process == pool.handshake.process else {
            return MMError(
                .unavailable, "The pool was stopped while \(name) ran: it was cut off.",
                hint: "Check what the call was to change before you repeat it.", details: ["pool": "stopped"],
                cause: error.message)
        }
        return MMError(.sessionLost, error.message, hint: error.hint, details: error.details)
    }
}

extension MMError {
    /// Whether a pool could not be asked at all, so that asking another one does nothing twice.
    var isOfLeavingPool: Bool { code == .unavailable && details["pool"] != nil && retry == .now }
}
