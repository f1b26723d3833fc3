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

    private let hosts: HostRule
    private let routes: [Route]

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
        hosts = HostRule(allowedHosts: settings.allowedHosts, admitsNumericHosts: settings.admitsNumericHosts)
        let services = services ?? (service as? LocalOperationService)?.services
        let metrics = shared.metrics
        let service = MeteredOperationService(service, metrics)
        let calls = OperationCalls(
            service: service, serverName: settings.serverName, shared: shared,
            requirePerson: settings.requirePerson)
        let document = OpenAPIDocument(service.catalogue)
        var routes = [
            Route("/v1/handshake", [("GET", { _ in .json(JSONWriter.bytes(.object(identity.json))) })]),
            Route(
                "/openapi.json",
                [("GET", { _ in .json(JSONWriter.bytes(.object(document.json), layout: .indented(1))) })]),
            Route("/v1/operations", [("GET", { _ in calls.list() })]),
            Route(
                "/v1/operations/{}",
                [
                    (
                        "POST",
                        { (request) async throws(MMError) in try await calls.call(request) }
                    )
                ]),
            Route(
                "/v1/calls/{}/questions/{}",
                [("POST", { (request) async throws(MMError) in try calls.answerQuestion(request) })]),
            Route(
                "/v1/calls/{}/inputs/{}",
                [("POST", { (request) async throws(MMError) in try calls.takeInput(request) })]),
        ]
        if let services {
            routes += JobCalls(calls: calls, services: services).routes
            routes += Dashboard(calls: calls, services: services, shared: shared, identity: identity).routes
            routes.append(
                Route(
                    "/metrics",
                    [("GET", { await MetricsReport(metrics, services).response(for: $0.http.headers) })]))
        } else {
            routes.append(
                Route(
                    "/v1/jobs",
                    [("DELETE", { (request) async throws(MMError) in try await calls.forget(request) })]))
        }
        self.routes = routes
    }

    /// Answers one request.
    /// - Parameters:
    ///   - request: what came.
    ///   - peer: what the listener's door found out about who sent it.
    package func respond(to request: HTTPServerRequest, from peer: RESTPeer) async -> HTTPServerResponse {
        if let reason = hosts.refusal(request) {
            return Problem.response(MMError(.forbidden, reason), status: request.headers["Host"] == nil ? 400 : 403)
        }
        let parts = request.path.split(separator: "/", omittingEmptySubsequences: false)
        for route in routes {
            guard let names = route.match(parts) else { continue }
            if request.method == "OPTIONS" {
                return HTTPServerResponse(status: 204, headers: ["Allow": route.allow])
            }
            guard let handler = route.handler(for: request.method) else {
                var refused = Problem.response(
                    MMError(
                        .invalidInput, "\(request.method.prefix(20)) is nothing that \(route.path) answers.",
                        hint: "It answers \(route.allow)."), status: 405)
                refused.headers.set("Allow", route.allow)
                return refused
            }
            do throws(MMError) {
                return try await handler(RESTRequest(http: request, peer: peer, names: names))
            } catch {
                return Problem.response(error)
            }
        }
        return Problem.response(
            MMError(.notFound, "There is nothing at \(request.path.prefix(100)).", hint: "GET /v1/operations lists."))
    }
}
