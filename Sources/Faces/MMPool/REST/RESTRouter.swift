import MMCore
package import MMHTTP
package import MMOperations

/// The catalogue over HTTP, as a middleware that handles its routes; it knows nothing of sockets.
package struct RESTRouter: HTTPMiddleware {
    /// How callers are treated.
    package struct Settings: Sendable {
        /// The server name that connections' `mcps` lists are compared with for callers that give none.
        package var serverName = "rest"
        /// Throws for a process of this user that claims to act for a person although none can be present.
        package var requirePerson: PersonProof.Requirement = { (process) throws(MMError) in
            try PersonProof.requirePerson(before: process)
        }
        /// Throws for a process of this user without a terminal, which gets nothing that a person could act with.
        package var requireTerminal: PersonProof.Requirement = { (process) throws(MMError) in
            try PersonProof.requireTerminal(of: process)
        }

        /// Creates the settings of a pool.
        package init() {}
    }

    private let router: Router<AdmittedPeer>

    /// Creates a router.
    /// - Parameters:
    ///   - service: performs the operations.
    ///   - handshake: returns what this process says about itself.
    ///   - settings: how callers are treated.
    ///   - services: what the operations work with, if they run in this process; jobs, metrics and the dashboard are
    ///     then available. A local service provides its own.
    ///   - shared: the state shared with the other routers of the process.
    package init(
        service: any OperationService, handshake: @escaping @Sendable () async -> PoolHandshake,
        settings: Settings = Settings(), services: OperationServices? = nil, shared: RESTShared = RESTShared()
    ) {
        let services = services ?? (service as? LocalOperationService)?.services
        let metrics = shared.metrics
        let service = MeteredOperationService(service, metrics)
        let calls = CallRoutes(
            service: service, serverName: settings.serverName, handshake: handshake, open: shared.open,
            requirePerson: settings.requirePerson)
        let document = OpenAPIDocument(service.catalogue)
        var router = Router<AdmittedPeer>(.problems)
        router.get("/openapi.json") { _ in .json(JSONWriter.bytes(.object(document.json), layout: .indented(1))) }
        router.get("/v1/operations") { _ in Self.list(service.catalogue) }
        calls.add(to: &router) { (call, headers) async throws(MMError) in
            try await PlainAnswer.response(to: call, from: service, for: headers)
        }
        if let services {
            let others = OtherNodesJobs(service: service, table: services.jobs.table, handshake: handshake)
            JobCalls(calls: calls, services: services, others: others).add(to: &router)
            Dashboard(
                calls: calls, service: service, services: services, shared: shared,
                requireTerminal: settings.requireTerminal, handshake: handshake
            ).add(to: &router)
            ApprovalRoutes(calls: calls, services: services, shared: shared).add(to: &router)
            router.get("/metrics") { await MetricsReport(metrics, services).response(for: $0.http.headers) }
        }
        self.router = router
    }

    /// Returns the list of operations.
    private static func list(_ catalogue: Catalogue) -> HTTPServerResponse {
        let rows = catalogue.operations.map { operation -> JSONValue in
            let declaration = operation.declaration
            return [
                "name": .string(declaration.name), "title": .string(declaration.title),
                "summary": .string(declaration.summary), "readOnly": .bool(declaration.effects.readOnly),
                "inputSchema": .object(operation.inputSchema),
            ]
        }
        return .json(JSONWriter.bytes(["operations": .array(rows)]))
    }

    /// Handles a request that matches a route, and passes on all others.
    package func respond(
        to request: HTTPServerRequest, from peer: AdmittedPeer, next: HTTPResponder<AdmittedPeer>
    ) async -> HTTPServerResponse {
        await router.respond(to: request, from: peer, next: next)
    }
}
