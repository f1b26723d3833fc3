import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool
import MMSessions
import MMSystem
import TestSupport
import Testing

@testable import MMServing

@Suite("Calls to pools that don't come up", .timeLimit(.minutes(5)))
struct IsolatedDeadlineTests {
    private let transport = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

    private func call(_ pool: IsolatedPool, within limit: Duration) async throws(MMError) {
        let status = try Catalogue.standard.require("status")
        let context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), timeLimit: limit)
        _ = try await pool.call(status, [:], in: context)
    }

    /// The pool of a container with its socket at a path.
    private func container(at socket: String) -> IsolatedPool {
        IsolatedPool(
            connection: "Contoso",
            site: ContainerSite(
                connection: "Contoso", socket: socket,
                client: PoolClient(PoolAddress(socket: socket), transport: transport)))
    }

    @Test("end at their own deadline, however long the router waits for such a pool")
    func elsewhere() async throws {
        let site = NetworkSite(
            connection: "Contoso", client: PoolClient(try PoolAddress(url: "http://127.0.0.1:1"), transport: transport),
            patience: .seconds(3600))
        let error = await #expect(throws: MMError.self) {
            try await call(IsolatedPool(connection: "Contoso", site: site), within: .milliseconds(100))
        }
        #expect(error?.code == .unavailable && error?.message.contains("does not answer") == true)
    }

    @Test("say which container to start, whether it has ended or was killed and left its socket")
    func containers() async throws {
        let folder = try TestFolder.make()
        defer { TestFolder.remove(folder) }
        let socket = folder + "/own/pool.sock"
        for isKilled in [false, true] {
            if isKilled { _ = try UnixSocket.listen(at: socket) }
            let error = await #expect(throws: MMError.self) {
                try await call(container(at: socket), within: .seconds(300))
            }
            #expect(error?.message == "The container of Contoso is not running: nothing listens at \(socket).")
            #expect(error?.hint?.contains("docker compose") == true)
        }
    }

    @Test("aren't told that a container doesn't run while it is being stopped")
    func stoppingContainer() async throws {
        let folder = try TestFolder.make()
        defer { TestFolder.remove(folder) }
        let socket = folder + "/own/pool.sock"
        try ProtectedFile.makeDirectory(folder + "/own")
        let gate = PoolGate()
        gate.close()
        let listener = try HTTPListener.start(
            .unix(path: socket), authenticator: SocketAuthenticator(), chain: HTTPChain([gate]))
        let error = await #expect(throws: MMError.self) {
            try await call(container(at: socket), within: .seconds(300))
        }
        #expect(error?.details["pool"] == "draining" && error?.message.contains("is stopping") == true)
        await listener.stop(graceful: .zero)
    }

    @Test(
        "say why a pool refuses the router",
        arguments: ["The bearer secret is wrong.", "This server doesn't serve the host name `pool`."])
    func refusals(reason: String) async throws {
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { _ in
            Problem.response(MMError(.forbidden, reason))
        }
        let address = try PoolAddress(url: "http://127.0.0.1:\(listener.port)")
        let site = NetworkSite(
            connection: "Contoso", client: PoolClient(address, transport: transport), patience: .seconds(3600))
        let error = await #expect(throws: MMError.self) {
            try await call(IsolatedPool(connection: "Contoso", site: site), within: .seconds(300))
        }
        #expect(error?.code == .forbidden)
        #expect(error?.message == "The pool of Contoso at \(address) refuses this router: \(reason)")
        await listener.stop(graceful: .zero)
    }

    @Test("are counted by the router, also as failures")
    func counted() async throws {
        let home = try ServingHome()
        let router = IsolatedRouter(
            registry: ConnectionRegistry(path: home.services.paths.registry),
            sites: ContainerSites(folder: home["none"], transport: transport), log: home.services.log,
            commandLimit: .seconds(300))
        let service = IsolatedOperationService(router: router, services: home.services)
        await #expect(throws: MMError.self) {
            try await service.call(
                "graph_request", ["connection": "Contoso", "endpoint": "/me"],
                in: CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm")))
        }
        let report = await router.meter.report(now: PoolClock.system.now())
        #expect(report["total_requests"] == 1 && report["total_errors"] == 1, "\(report)")
    }
}
