import MMCore
import MMGuard
import MMLegacy
import MMOperations
import MMPool
import MMSystem

/// The service behind a front-end's calls: carries them out at the chosen place, and waits for approvals if the
/// environment asks for that.
struct FrontEndService: OperationService {
    /// The place where calls are carried out.
    private enum Place: Sendable {
        /// This process.
        case here
        /// The user's pool for everything that outlives a call, this process for the rest.
        case own(OwnPool)
        /// A pool at an address that was given explicitly.
        case named(NamedPool)
    }

    let catalogue: Catalogue
    private let place: Place
    private let local: LocalOperationService
    /// How long a held-back call waits for a person's approval, given on the pool's page or with `mm confirm`
    /// elsewhere, and then continues by itself; without an approval in this time, it answers that it needs one.
    private let approvalWait: Duration?

    private static let approvalVariable = "MM_APPROVAL_WAIT"

    /// Creates a service.
    /// - Parameters:
    ///   - choice: the place where operations are carried out.
    ///   - services: the services of this process.
    ///   - environment: the environment of this process.
    /// - Throws: `invalidInput` for an invalid address, or a waiting time that is no number of seconds.
    init(
        _ choice: PoolChoice, _ services: OperationServices, _ environment: [String: String]
    ) throws(MMError) {
        local = LocalOperationService(services: services)
        catalogue = local.catalogue
        approvalWait = try Self.approvalWait(environment)
        switch choice {
        case .embedded: place = .here
        case .own:
            // A program in a session may make calls, but never speaks for a person.
            place = .own(
                OwnPool(
                    local: local, finder: PoolFinder(environment: environment),
                    standing: OwnStanding(environment)))
        case .elsewhere(let url): place = .named(try NamedPool(url, local: local, environment))
        }
    }

    private static func approvalWait(_ environment: [String: String]) throws(MMError) -> Duration? {
        // Zero means not to wait, as does a variable that isn't set.
        let seconds = try EnvironmentNumber.read(approvalVariable, of: environment, in: 0...86_400, "whole seconds")
        return seconds.flatMap { $0 == 0 ? nil : .seconds($0) }
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

/// Answers to the requests that wait for a person in a cluster. They are stored where all nodes can read them, and are
/// read and answered by the person's own program, which has the nodes' key: no pool trusts another program's claim that
/// a person answers.
enum ClusterAnswers {
    /// Returns a service that carries out such an operation on the nodes' shared state; `nil` for other operations, and
    /// without a cluster.
    /// - Throws: `invalidInput` for invalid settings of a cluster.
    static func service(
        for operation: AnyOperation, _ services: OperationServices
    ) throws(MMError) -> LocalOperationService? {
        guard operation.declaration.answersRequests,
            let states = try ClusterStates(environment: services.environment)
        else { return nil }
        var services = services
        services.ledger.shared = states.confirmations
        return LocalOperationService(services: services)
    }
}

/// A pool at an address that was given explicitly. If it can't be used, the error says whether it is a pool at all.
private final class NamedPool: Sendable {
    private let pool: PoolClient
    private let isProven: Bool
    private let isHere: Bool
    private let remote: RemoteOperationService
    private let earlierPool: SessionPoolClient
    /// Returns this machine's lists while nothing listens at the address, as the earlier pool's front-end did.
    private let local: LocalOperationService
    /// Set once the pool has turned out to know only the session-pool server's routes.
    private let overEarlierPool = Mutex<LocalOperationService?>(nil)

    init(_ url: String, local: LocalOperationService, _ environment: [String: String]) throws(MMError) {
        let address = try PoolAddress(url: url, environment: environment)
        pool = PoolClient(address, environment: environment)
        isHere = url.hasPrefix("unix:")
        isProven = address.bearer != nil || isHere
        self.local = local
        remote = RemoteOperationService(pool)
        earlierPool = SessionPoolClient(pool)
    }

    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        let name = operation.declaration.name
        if await isHeldHere(operation, arguments) { return try await local.call(operation, arguments, in: context) }
        if let overEarlierPool = overEarlierPool.withLock({ $0 }) {
            return try await overEarlierPool.call(name, arguments, in: context)
        }
        do throws(MMError) {
            // A folder and an agent socket of this machine mean nothing on another one.
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
            switch await peer() {
            case .pool: throw error
            case .nobody: return try await alone(operation, arguments, context, error)
            case .other: break
            }
            // The session-pool server, where it still runs, only knows its own routes.
            guard await earlierPool.answers() else { throw noPool }
            // The catalogue for it has its own operations with the same names.
            let service = LocalOperationService(catalogue: .over(earlierPool), services: local.services)
            overEarlierPool.withLock { $0 = service }
            return try await service.call(name, arguments, in: context)
        }
    }

    /// Whether a call answers a request that a pool of this home holds. Then the person answers it here: no pool takes
    /// a caller's word that a person is there.
    private func isHeldHere(_ operation: AnyOperation, _ arguments: JSONObject) async -> Bool {
        guard operation.declaration.keeper == .confirmation, let token = arguments["token"]?.string else {
            return false
        }
        let requests = HeldRequests(local.services.ledger, paths: local.services.paths)
        return (try? await requests.held(token)) != nil
    }

    /// Looks for a stored output here: this front-end may have shortened the answer itself, and the pool doesn't know
    /// about that.
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

    /// Answers without the pool while nothing listens at its address: this front-end lists the connections and reads
    /// from Graph, as it did beside the earlier pool. Only the named pool itself may change anything, since it may hold
    /// a lease or have other rules.
    private func alone(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext, _ absence: MMError
    ) async throws(MMError) -> OperationAnswer {
        var reading = context
        switch operation.declaration.withoutPool {
        case .lists where arguments.isEmpty: break
        case .lists, .nothing: throw absence
        case .reads: reading.readsOnly = true
        }
        do throws(MMError) {
            var answer = try await local.call(operation, arguments, in: reading)
            answer.notes.append("No pool answers at \(pool.address): this program answered by itself.")
            return answer
        } catch {
            throw error.code == .denied || error.code == .forbidden ? absence : error
        }
    }

    /// What is at the address.
    private enum Peer {
        /// A pool, also one that is stopping, or a server that doesn't answer at present, itself or through a gateway,
        /// or that can't prove itself.
        case pool
        /// Nothing listens.
        case nobody
        /// A server that answers, but isn't a pool of this product.
        case other
    }

    private func peer() async -> Peer {
        do throws(MMError) {
            let answer = try await pool.ask("GET", PoolHandshake.path)
            return answer.status >= 500 || answer.status == 200 && PoolHandshake(answer.body) != nil ? .pool : .other
        } catch {
            switch error.details["failure"]?.string {
            case PoolFailure.noHTTP: return .other
            case PoolFailure.noProof, PoolFailure.noPassage: return .pool
            default: return error.retry == .now ? .nobody : .pool
            }
        }
    }

    private var noPool: MMError {
        MMError(
            .unavailable, "The server at \(pool.address) isn't a pool of mm: it has no /v1/handshake.",
            hint: "Start one: mm pool serve --listen HOST:PORT; or leave out --pool, MM_SESSION_POOL_URL and "
                + "PWSH_MANAGER_URL.",
            details: ["pool": .string(pool.address.description)])
    }
}

extension CallContext {
    /// The same call without the claim that a person sits at a terminal, for a program that can't prove it.
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

/// Whether this process runs in a session: determined once, at the first call that leaves the process, because it takes
/// a look at all of its ancestors.
private final class OwnStanding: Sendable {
    private let environment: [String: String]
    private let known = Mutex<Bool?>(nil)

    init(_ environment: [String: String]) { self.environment = environment }

    func isInSession() throws(MMError) -> Bool {
        if let known = known.withLock({ $0 }) { return known }
        let found = try PersonProof.isInSession(environment)
        known.withLock { $0 = found }
        return found
    }
}

/// The user's own pool, which is found and started: it carries out what outlives a call, this process carries out the
/// rest.
private struct OwnPool: Sendable {
    let local: LocalOperationService
    let finder: PoolFinder
    let standing: OwnStanding

    private func remote(_ pool: RunningPool) -> RemoteOperationService {
        RemoteOperationService(pool.client, catalogue: local.catalogue)
    }

    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        // This machine's files have only what its own node did.
        if operation.declaration.keeper.isSharedByNodes, await isNode {
            return try await inPool(starting: false, operation, arguments, context)
        }
        switch operation.declaration.home {
        case .anywhere:
            try await checkAnswers(operation)
            return try await local.call(operation, arguments, in: context)
        case .besideSessions: return try await inPool(starting: false, operation, arguments, context)
        case .detachable where context.backgroundAfter == nil:
            return try await local.call(operation, arguments, in: context)
        case .detachable: return try await inPool(starting: true, operation, arguments, context)
        case .pool where operation.declaration.toolset == .m365 && arguments["connection"] == nil:
            // Sessions belong to connections: without one, the operation only lists what there is.
            return try await local.call(operation, arguments, in: context)
        case .pool: return try await inPool(starting: true, operation, arguments, context)
        }
    }

    /// Whether this machine's pool runs, and shares its state with the other nodes of a cluster.
    private var isNode: Bool {
        get async {
            guard case .running(let pool) = await finder.state() else { return false }
            return pool.handshake.isNode
        }
    }

    /// Refuses to look for waiting requests here if they are in a cluster's shared state, because none would be found.
    private func checkAnswers(_ operation: AnyOperation) async throws(MMError) {
        guard operation.declaration.answersRequests, await isNode else { return }
        throw MMError(
            .unavailable,
            "This machine's pool belongs to a cluster, which keeps the requests that wait for confirmation.",
            hint: "Set MM_CLUSTER and MM_CLUSTER_KEY_FILE as for the pool, or answer on its page.",
            details: ["cluster": "key"])
    }

    /// Ends what a client that has gone leaves behind, in this process and in the pool if one runs.
    func forget(_ client: CallContext) async {
        await local.forget(client)
        if let pool = try? await finder.running() { await remote(pool).forget(client) }
    }

    /// Has the pool carry out a call. If the pool stops or gives way before it has received the request, the next pool
    /// is asked.
    private func inPool(
        starting: Bool, _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let sent = try standing.isInSession() ? context.withoutPerson : context
        let deadline = Deadline.after(context.timeLimit)
        var left = 4
        while true {
            guard
                let pool = starting
                    ? try await finder.started(until: deadline) : try await finder.running(until: deadline)
            else {
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

    /// Returns the error for a call that was cancelled, but not by its caller: the pool was stopped, or the session was
    /// ended.
    private func cutOff(_ name: String, _ error: MMError, by pool: RunningPool) async -> MMError {
        guard let now = try? await finder.running(), now.handshake.process == pool.handshake.process else {
            return MMError(
                .unavailable, "The pool was stopped while \(name) was running, and the call was aborted.",
                hint: "Check the objects that the call changes before you repeat it.", details: ["pool": "stopped"],
                cause: error.message)
        }
        return MMError(.sessionLost, error.message, hint: error.hint, details: error.details)
    }
}

extension MMError {
    /// Whether a pool could not be reached at all, so that repeating the call with another one does nothing twice.
    var isOfLeavingPool: Bool { code == .unavailable && details["pool"] != nil && retry == .now }
}
