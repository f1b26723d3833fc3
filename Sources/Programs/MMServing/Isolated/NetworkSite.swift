import MMCore
import MMHTTP
import MMPool

/// Pools on other machines or in other pods, found by name.
struct NetworkSites: PoolSites {
    /// The template of their addresses.
    let template: PoolTemplate
    /// The HTTP client for all pools. It resolves names for every new connection, since a restarted pool has another
    /// address.
    let transport: HTTPClient
    /// How long a call waits for a pool that is starting.
    var patience = Duration.seconds(30)

    let wall = "network"

    func site(of connection: String, registry: JSONObject, among names: [String]) throws(MMError) -> any PoolSite {
        NetworkSite(
            connection: connection,
            client: PoolClient(try template.address(connection, among: names), transport: transport), patience: patience
        )
    }

    /// Returns an HTTP client for pools.
    /// - Parameter authorities: a file with the certificates that sign those of the pools; `nil` for the system's.
    static func transport(authorities: String?, environment: [String: String]) -> HTTPClient {
        var configuration = HTTPClientConfiguration(environment: environment)
        configuration.looksUpEachConnection = true
        configuration.connectTimeout = .seconds(5)
        // Pools are in the local network; a proxy is meant for Microsoft's services.
        configuration.proxy = nil
        if let authorities { configuration.certificateFile = authorities }
        return HTTPClient(configuration: configuration)
    }
}

/// A pool on another machine, which is started and restarted by its cluster (such as Kubernetes).
actor NetworkSite: PoolSite {
    nonisolated let client: PoolClient
    private let connection: String
    private let patience: Duration
    /// Until when the last positive answer counts.
    private var readyUntil: ContinuousClock.Instant?
    /// Whether the pool has ever answered; it is then expected to come back.
    private var wasThere = false
    private var asking: Task<Look, Never>?

    /// The time limit for the pool's handshake.
    private static let answerLimit = Duration.seconds(5)
    /// How long a positive answer counts.
    private static let freshness = Duration.seconds(2)

    private enum Look: Sendable {
        case ready
        /// The pool exists or existed, but accepts no calls at the moment.
        case away(MMError)
        /// The pool can't be used, and waiting won't help.
        case hopeless(MMError)
    }

    init(connection: String, client: PoolClient, patience: Duration) {
        self.connection = connection
        self.client = client
        self.patience = patience
    }

    var isRunning: Bool {
        get async { if case .ready = await look() { true } else { false } }
    }

    var holds: JSONObject { ["files": "network", "address": .string(client.address.description)] }

    func wasMissed() { readyUntil = nil }

    func bringUp(until deadline: Deadline) async throws(MMError) {
        let deadline = min(deadline, .after(patience))
        while true {
            switch await look() {
            case .ready: return
            case .hopeless(let error): throw error
            case .away(let error): if deadline.hasPassed || Task.isCancelled { throw error }
            }
            try? await Task.sleep(for: .milliseconds(250))
        }
    }

    /// Returns whether the pool accepts calls. Callers who ask at the same time share one request.
    private func look() async -> Look {
        if let readyUntil, ContinuousClock.now < readyUntil { return .ready }
        if let asking { return await asking.value }
        let task = Task { await ask() }
        asking = task
        let look = await task.value
        asking = nil
        if case .ready = look {
            wasThere = true
            readyUntil = .now + Self.freshness
        }
        return look
    }

    private func ask() async -> Look {
        let pool: PoolHandshake
        do throws(MMError) {
            pool = try await client.handshake(within: Self.answerLimit)
        } catch {
            return look(after: error)
        }
        do throws(MMError) {
            try pool.requireSameWire(at: client.address)
        } catch {
            return .hopeless(error)
        }
        guard pool.isDraining else { return .ready }
        return .away(
            MMError(
                .unavailable, "The pool of \(connection) is stopping, and no new pool has started.",
                hint: "Check it: kubectl get pods.", retry: .after(.seconds(10))))
    }

    private func look(after error: MMError) -> Look {
        guard error.code == .unavailable else {
            return .hopeless(error.code == .forbidden ? refused(error) : error)
        }
        switch error.details["failure"]?.string {
        case PoolFailure.noAddress where !wasThere: return .hopeless(notDeployed(error))
        case PoolFailure.noProof: return .hopeless(unproven(error))
        default:
            return .away(
                MMError(
                    .unavailable, "The pool of \(connection) at \(client.address) does not answer.",
                    hint: "Check it: kubectl get pods, and kubectl logs of its pod.", retry: .after(.seconds(10)),
                    cause: error.cause ?? error.message))
        }
    }

    private func refused(_ error: MMError) -> MMError {
        MMError(
            .forbidden, "The pool of \(connection) at \(client.address) refuses this router: \(error.message)",
            hint:
                "The router needs the pools' secret (--pools-token-file); the pool must answer to the name by which the "
                + "router calls it (--allow-host).")
    }

    private func unproven(_ error: MMError) -> MMError {
        MMError(
            .unavailable, "The pool of \(connection) at \(client.address) has no trusted certificate.",
            hint:
                "Set the CA certificates of the pools (--pools-ca FILE), and check the names in their certificates.",
            cause: error.cause ?? error.message)
    }

    private func notDeployed(_ error: MMError) -> MMError {
        MMError(
            .unavailable, "No pool is deployed for \(connection): its host name can't be resolved.",
            hint: "Add it to the overlay (Deploy/kubernetes), or remove the connection from the router's registry.",
            retry: .after(.seconds(30)), cause: error.cause ?? error.message)
    }
}
