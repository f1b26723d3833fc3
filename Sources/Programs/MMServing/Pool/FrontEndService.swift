import MMCore
import MMGuard
import MMHTTP
import MMLegacy
import MMOperations
import MMPool
import MMSystem

/// What a front-end's calls go through: the wait for approvals that its environment asks for, and the place where they are carried
/// out, by what was chosen.
struct FrontEndService: OperationService {
    /// Where calls are carried out.
    private enum Place: Sendable {
        /// In this process.
        case here
        /// What outlives a call in the user's pool, the rest in this process.
        case own(OwnPool)
        /// At an address that somebody named.
        case named(NamedPool)
    }

    let catalogue: Catalogue
    private let place: Place
    private let local: LocalOperationService
    /// How long a call that was held back waits for a person's approval, given on the pool's page or with `mm confirm` elsewhere,
    /// before it answers; it goes on by itself then.
    private let approvalWait: Duration?

    private static let approvalVariable = "MM_APPROVAL_WAIT"

    /// A service.
    /// - Parameters:
    ///   - choice: where operations are carried out.
    ///   - services: of this process.
    ///   - environment: of this process.
    /// - Throws: `invalidInput` for an address that is none, and for a wait that is no number of seconds.
    init(
        _ choice: PoolChoice, _ services: OperationServices, _ environment: [String: String]
    ) throws(MMError) {
        local = LocalOperationService(services: services)
        catalogue = local.catalogue
        approvalWait = try Self.approvalWait(environment)
        switch choice {
        case .embedded: place = .here
        case .own:
            // What runs in a session may ask for more, but never speaks for a person.
            place = .own(
                OwnPool(
                    local: local, finder: PoolFinder(environment: environment),
                    isInSession: PersonProof.isInSession(environment)))
        case .elsewhere(let url): place = .named(try NamedPool(url, local: local, environment))
        }
    }

    private static func approvalWait(_ environment: [String: String]) throws(MMError) -> Duration? {
        guard let text = environment[approvalVariable], !text.isEmpty else { return nil }
        guard let seconds = Int(text), (0...86_400).contains(seconds) else {
            throw MMError(
                .invalidInput, "\(approvalVariable) can't be `\(text.prefix(40))`.",
                hint: "Give whole seconds up to 86400, such as 240; 0 does not wait.")
        }
        return seconds == 0 ? nil : .seconds(seconds)
    }

    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        var context = context
        if let approvalWait { context.approvalWait = approvalWait }
        if let nodes = try ClusterAnswers.service(for: operation, local.services) {
            return try await nodes.call(operation, arguments, in: context)
        }
        switch place {
        case .here: return try await local.call(operation, arguments, in: context)
        case .own(let pool): return try await pool.call(operation, arguments, in: context)
        case .named(let pool): return try await pool.call(operation, arguments, in: context)
        }
    }

    func forget(_ client: CallContext) async {
        switch place {
        case .here: await local.forget(client)
        case .own(let pool): await pool.forget(client)
        case .named(let pool): await pool.forget(client)
        }
    }
}

/// How a person answers what waits in a cluster: it lies with all nodes, and is read and answered by the person's own program, which
/// has the nodes' key. No pool takes another program's word that a person answers.
enum ClusterAnswers {
    /// What a person answers with.
    static let operations: Set<String> = ["confirm", "allow"]

    /// What carries such an operation out over what the nodes share; `nil` for other operations, and where there is no cluster.
    /// - Throws: `invalidInput` for settings of a cluster that are none.
    static func service(
        for operation: AnyOperation, _ services: OperationServices
    ) throws(MMError) -> LocalOperationService? {
        guard operations.contains(operation.declaration.name),
            let states = try ClusterStates(environment: services.environment)
        else { return nil }
        var services = services
        services.ledger.shared = states.confirmations
        return LocalOperationService(services: services)
    }
}

/// A pool at an address that somebody named. Where it can't be used, the error says whether it is one.
private final class NamedPool: Sendable {
    private let pool: PoolClient
    private let isProven: Bool
    private let isHere: Bool
    private let remote: RemoteOperationService
    private let earlierPool: SessionPoolClient
    /// Gives the lists of this machine while nobody listens at the address, as the earlier pool's front-end did.
    private let local: LocalOperationService
    /// Set once the pool has turned out to know the session-pool server's routes alone.
    private let overEarlierPool = Mutex<LocalOperationService?>(nil)

    init(_ url: String, local: LocalOperationService, _ environment: [String: String]) throws(MMError) {
        let bearer = try PoolAddress.bearer(environment: environment)
        let address = try PoolAddress(
            url: url, bearer: bearer, trustsNetwork: PoolAddress.trustsNetwork(environment: environment))
        pool = PoolClient(
            address, transport: HTTPClient(configuration: HTTPClientConfiguration(environment: environment)))
        isHere = url.hasPrefix("unix:")
        isProven = bearer != nil || isHere
        self.local = local
        remote = RemoteOperationService(pool)
        earlierPool = SessionPoolClient(pool)
    }

    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        let name = operation.declaration.name
        if let overEarlierPool = overEarlierPool.withLock({ $0 }) {
            return try await overEarlierPool.call(name, arguments, in: context)
        }
        do throws(MMError) {
            // What is a folder here may be none there.
            var sent = isProven ? context : context.withoutPerson
            if !isHere {
                sent.directory = nil
                sent.agentSocket = nil
            }
            return try await remote.call(operation, arguments, in: sent)
        } catch {
            if operation.declaration.keeper == .handle, error.code == .notFound {
                return try await kept(operation, arguments, context, error)
            }
            guard error.code == .unavailable, error.details["pool"] != nil else { throw error }
            guard let reason = await whyNoPool() else {
                guard await isSilent() else { throw error }
                return try await alone(operation, arguments, context, error)
            }
            // The session-pool server, where it still runs, knows its own routes alone.
            guard await earlierPool.answers() else { throw reason }
            // Its catalogue has operations of its own under the same names.
            let service = LocalOperationService(catalogue: .over(earlierPool), services: local.services)
            overEarlierPool.withLock { $0 = service }
            return try await service.call(name, arguments, in: context)
        }
    }

    /// What this front-end shortened for its client lies here; the pool knows nothing of it.
    private func kept(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext, _ unknown: MMError
    ) async throws(MMError) -> OperationAnswer {
        do throws(MMError) { return try await local.call(operation, arguments, in: context) } catch {
            throw error.code == .notFound ? unknown : error
        }
    }

    func forget(_ client: CallContext) async {
        if let overEarlierPool = overEarlierPool.withLock({ $0 }) { return await overEarlierPool.forget(client) }
        await remote.forget(client)
    }

    /// While nobody listens at the address, this front-end lists the connections and reads from Graph, as it did beside the earlier
    /// pool. What changes something is for the pool that was named alone: it may hold a lease, or have other rules.
    private func alone(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext, _ absence: MMError
    ) async throws(MMError) -> OperationAnswer {
        switch operation.declaration.withoutPool {
        case .lists where arguments.isEmpty: return try await local.call(operation, arguments, in: context)
        case .lists, .nothing: throw absence
        case .reads: break
        }
        var reading = context
        reading.readsOnly = true
        do throws(MMError) {
            return try await local.call(operation, arguments, in: reading)
        } catch {
            throw error.code == .denied || error.code == .forbidden ? absence : error
        }
    }

    /// Whether nobody at all listens at the address; what stops there still answers.
    private func isSilent() async -> Bool {
        do throws(MMError) {
            _ = try await pool.ask("GET", PoolHandshake.path)
            return false
        } catch {
            return error.retry == .now
        }
    }

    /// What is to be said of an address where something else answers than a pool of this product.
    private func whyNoPool() async -> MMError? {
        do throws(MMError) {
            _ = try await pool.handshake()
            return nil
        } catch {
            guard error.retry != .now else { return nil }
            return MMError(
                .unavailable, "The server at \(pool.address) isn't a pool of mm: it has no /v1/handshake.",
                hint: "Start one: mm pool serve --listen HOST:PORT; or leave --pool, MM_SESSION_POOL_URL and "
                    + "PWSH_MANAGER_URL out.",
                details: ["pool": .string(pool.address.description)])
        }
    }
}

extension CallContext {
    /// The same call of a program for which nobody vouches: it does not claim that a person sits at a terminal.
    var withoutPerson: CallContext {
        var context = self
        context.person = nil
        context.waitsForSignIn = false
        let caller = terms.caller
        if caller.surface == .terminal {
            context.caller = Caller(surface: .library, name: caller.name, server: caller.server)
        }
        return context
    }
}

/// The user's own pool, found and started: what outlives a call is carried out there, the rest in this process.
private struct OwnPool: Sendable {
    let local: LocalOperationService
    let finder: PoolFinder
    /// Whether this process runs in a session itself.
    let isInSession: Bool

    private func remote(_ pool: RunningPool) -> RemoteOperationService {
        RemoteOperationService(pool.client, catalogue: local.catalogue)
    }

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
