import Glibc
import MMCLI
import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool
import MMSystem

/// `mm pool child`: the pool of one connection, which only its router may use.
enum PoolChildCommand {
    /// The command; routers start it.
    static func entry(environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "child"],
            summary: "Be the pool of one connection behind a router; `mm pool serve --isolated` starts it.",
            fields: [
                InputField("connection", .text, "The connection.", isRequired: true),
                InputField("socket", .text, "The Unix socket to listen at.", isRequired: true),
                InputField(
                    "router", .integer(0...Int(Int32.max)), "The router's process; other processes get no answer."),
            ]
        ) { (input, _, _) throws(MMError) in
            let router = try input.integer("router").map { Int32($0) }
            try await serve(
                try input.requiredText("connection"), at: try input.requiredText("socket"), for: router,
                environment: environment)
            return 0
        }
    }

    private static func serve(
        _ connection: String, at socket: String, for router: Int32?, environment: [String: String]
    ) async throws(MMError) {
        umask(0o077)
        SessionMark.markThisProcess()
        var environment = environment
        environment["M365_CONNECTION"] = connection
        let services = OperationServices(environment: environment)
        let local = LocalOperationService(services: services)
        let routes = SessionPoolRoutes(
            service: local, services: services,
            settings: try SessionPoolRoutes.Settings(environment: environment))
        let restorer = services.restorer
        restorer.prepare()
        // The router has looked at who asks; what it says of its callers counts.
        let handshake = PoolHandshake.ofThisProcess()
        let operations = RESTRouter(
            service: local, handshake: { handshake }, services: services)
        let listener = try HTTPListener.start(
            .unix(path: socket), authenticator: SocketAuthenticator(process: router),
            chain: HTTPChain(PoolFace.steps(routes.router, before: [operations])))
        services.log.info("the pool of \(connection) listens")
        let upkeep = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await restorer.restore() }
                group.addTask { await services.runMaintenance() }
                group.addTask { while (try? await Task.sleep(for: .seconds(2))) != nil { await restorer.save() } }
            }
        }
        // The command's own signals cancel this task. The router's end is watched: namespaces forget death signals.
        while !Task.isCancelled, router.map({ getppid() == $0 }) ?? true {
            try? await Task.sleep(for: .milliseconds(500))
        }
        upkeep.cancel()
        await restorer.finish()
        await listener.stop(graceful: .seconds(2))
        await services.close()
        services.log.info("the pool of \(connection) has stopped")
    }
}
