import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool
import MMSystem

/// The service that a front-end calls, by what was chosen.
enum FrontEndService {
    /// A service.
    /// - Parameters:
    ///   - choice: where operations are carried out.
    ///   - services: of this process.
    ///   - environment: of this process.
    /// - Throws: `invalidInput` for an address that is none.
    static func make(_ choice: PoolChoice, _ services: OperationServices, _ environment: [String: String])
        throws(MMError) -> any OperationService
    {
        let service = ClusterAnswers(try chosen(choice, services, environment), services)
        return try ApprovalWait.over(service, environment)
    }

    private static func chosen(_ choice: PoolChoice, _ services: OperationServices, _ environment: [String: String])
        throws(MMError) -> any OperationService
    {
        let local = LocalOperationService(services: services)
        switch choice {
        case .embedded: return local
        case .own:
            // What runs in a session may ask for more, but never speaks for a person.
            return PooledOperationService(
                local: local, finder: PoolFinder(environment: environment),
                isInSession: PersonProof.isInSession(environment))
        case .elsewhere(let url):
            let bearer = try PoolAddress.bearer(environment: environment)
            let trusts = PoolAddress.trustsNetwork(environment: environment)
            return PoolElsewhere(
                pool: try PoolAddress(url: url, bearer: bearer, trustsNetwork: trusts),
                isProven: bearer != nil || url.hasPrefix("unix:"),
                isHere: url.hasPrefix("unix:"), services: services, environment: environment)
        }
    }
}

/// A pool at an address that somebody named. Where it can't be used, the error says whether it is one.
private final class PoolElsewhere: OperationService {
    private let pool: PoolClient
    private let isProven: Bool
    private let isHere: Bool
    private let remote: RemoteOperationService
    private let earlierPool: SessionPoolClient
    private let services: OperationServices
    /// Gives the lists of this machine while nobody listens at the address, as the earlier pool's front-end did.
    private let local: LocalOperationService
    /// Set once the pool has turned out to know the session-pool server's routes alone.
    private let overEarlierPool = Mutex<LocalOperationService?>(nil)

    init(
        pool: PoolAddress, isProven: Bool, isHere: Bool, services: OperationServices, environment: [String: String]
    ) {
        let transport = HTTPClient(configuration: HTTPClientConfiguration(environment: environment))
        self.pool = PoolClient(pool, transport: transport)
        self.isHere = isHere
        self.isProven = isProven
        self.services = services
        local = LocalOperationService(services: services)
        remote = RemoteOperationService(self.pool)
        earlierPool = SessionPoolClient(self.pool)
    }

    var catalogue: Catalogue { remote.catalogue }

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
            let service = LocalOperationService(catalogue: .over(earlierPool), services: services)
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

/// The service of a front-end whose calls wait for a person's approval, given on the pool's page or with `mm confirm`
/// elsewhere: the call that was held back goes on by itself.
struct ApprovalWait: OperationService {
    private let service: any OperationService
    private let wait: Duration

    private static let variable = "MM_APPROVAL_WAIT"

    /// The service, with the wait that the environment asks for; the service itself without one.
    /// - Throws: `invalidInput` for what is no number of seconds.
    static func over(
        _ service: any OperationService, _ environment: [String: String]
    ) throws(MMError) -> any OperationService {
        guard let text = environment[variable], !text.isEmpty else { return service }
        guard let seconds = Int(text), (0...86_400).contains(seconds) else {
            throw MMError(
                .invalidInput, "\(variable) can't be `\(text.prefix(40))`.",
                hint: "Give whole seconds up to 86400, such as 240; 0 does not wait.")
        }
        return seconds == 0 ? service : ApprovalWait(service: service, wait: .seconds(seconds))
    }

    var catalogue: Catalogue { service.catalogue }

    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        var context = context
        context.approvalWait = wait
        return try await service.call(operation, arguments, in: context)
    }

    func forget(_ client: CallContext) async { await service.forget(client) }
}

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
