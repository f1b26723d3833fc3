import MMCore
package import MMHTTP
package import MMOperations

/// The catalogue over HTTP: a value that answers requests; it knows nothing of sockets.
package struct RESTRouter: Sendable {
    /// Under which names the server is reached, beside those of this machine's loopback.
    package struct Settings: Sendable {
        /// Further names that a Host header may hold.
        package var allowedHosts: [String] = []
        /// Whether any IP address may stand there.
        package var admitsNumericHosts = false
        /// The server name that connections' `mcps` lists are compared with for callers that give none.
        package var serverName = "rest"
        /// Refuses a process of this user that says that a person sits before it and can have none.
        package var requirePerson: PersonProof.Requirement = { (process) throws(MMError) in
            try PersonProof.requirePerson(before: process)
        }

        /// The names of this machine's loopback alone.
        package init() {}
    }

    private let chain: HTTPChain<RESTPeer>

    /// A router.
    /// - Parameters:
    ///   - service: carries operations out.
    ///   - identity: what the handshake says of this process.
    ///   - settings: under which names the server is reached.
    ///   - services: what the operations work with, where they are carried out in this process: jobs, metrics
    ///     and the dashboard are shown then. A local service brings its own.
    ///   - shared: what it has in common with the other routers of the process.
    package init(
        service: any OperationService, identity: PoolIdentity, settings: Settings = Settings(),
        services: OperationServices? = nil, shared: RESTShared = RESTShared()
    ) {
        let hosts = HostRule(allowedHosts: settings.allowedHosts, admitsNumericHosts: settings.admitsNumericHosts)
        let services = services ?? (service as? LocalOperationService)?.services
        let metrics = shared.metrics
        let service = MeteredOperationService(service, metrics)
        let calls = OperationCalls(
            service: service, serverName: settings.serverName, shared: shared,
            requirePerson: settings.requirePerson)
        let document = OpenAPIDocument(service.catalogue)
        var router = Router<RESTPeer>(.problems)
        router.get("/v1/handshake") { _ in .json(JSONWriter.bytes(.object(identity.json))) }
        router.get("/openapi.json") { _ in .json(JSONWriter.bytes(.object(document.json), layout: .indented(1))) }
        router.get("/v1/operations") { _ in calls.list() }
        router.post("/v1/operations/{operation}", calls.call)
        router.post("/v1/calls/{call}/questions/{question}", calls.answerQuestion)
        router.post("/v1/calls/{call}/inputs/{input}", calls.takeInput)
        router.delete("/v1/jobs", calls.forget)
        if let services {
            JobCalls(calls: calls, services: services).add(to: &router)
            Dashboard(calls: calls, services: services, shared: shared, identity: identity).add(to: &router)
            router.get("/metrics") { await MetricsReport(metrics, services).response(for: $0.http.headers) }
        }
        chain = HTTPChain([hosts, router]) { request, _ in
            Problem.response(
                MMError(
                    .notFound, "There is nothing at \(request.path.prefix(100)).", hint: "GET /v1/operations lists."))
        }
    }

    /// Answers one request.
    /// - Parameters:
    ///   - request: what came.
    ///   - peer: what the listener's door found out about who sent it.
    package func respond(to request: HTTPServerRequest, from peer: RESTPeer) async -> HTTPServerResponse {
        await chain.respond(to: request, from: peer)
    }
}
