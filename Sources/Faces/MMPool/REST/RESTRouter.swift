import MMCore
package import MMHTTP
package import MMOperations
package import MMSessions

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

        /// Rewrites a message for programs, which have operations but no command line.
        package var words: @Sendable (String) -> String = { $0 }

        /// Creates the settings of a pool.
        package init() {}
    }

    private let router: Router<AdmittedPeer>

    /// Creates a router.
    /// - Parameters:
    ///   - service: performs the operations.
    ///   - handshake: returns what this process says about itself.
    ///   - settings: how callers are treated.
    ///   - services: what the operations work with, if they run in this process; metrics and the dashboard are then
    ///     available. A local service provides its own.
    ///   - jobs: the jobs of this process, if the operations run in other ones, which are asked for theirs.
    ///   - shared: the state shared with the other routers of the process.
    package init(
        service: any OperationService, handshake: @escaping @Sendable () async -> PoolHandshake,
        settings: Settings = Settings(), services: OperationServices? = nil, jobs: WorkTable? = nil,
        shared: RESTShared = RESTShared()
    ) {
        let services = services ?? (service as? LocalOperationService)?.services
        let metrics = shared.metrics
        let calls = CallRoutes(
            service: service, serverName: settings.serverName, handshake: handshake, open: shared.open,
            metrics: metrics, requirePerson: settings.requirePerson, words: settings.words)
        let document = OpenAPIDocument(service.catalogue)
        var router = Router<AdmittedPeer>(.problems)
        router.get("/openapi.json") { _ in .json(JSONWriter.bytes(.object(document.json), layout: .indented(1))) }
        router.get("/v1/operations") { _ in Self.list(service.catalogue) }
        calls.add(to: &router) { (call, headers) async throws(MMError) in
            try await PlainAnswer.response(to: call, from: service, countedBy: metrics, for: headers)
        }
        if let table = jobs ?? services?.jobs.table {
            let others = OtherNodesJobs(service: service, table: table) {
                if jobs != nil { true } else { await handshake().isNode }
            }
            JobCalls(calls: calls, table: table, others: others).add(to: &router)
        }
        if let services {
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

/// The routes of the page's approvals. Any admitted client sees the open requests; a decision requires a passkey's
/// signature.
struct ApprovalRoutes: Sendable {
    private let calls: CallRoutes
    private let desk: ApprovalDesk

    init(calls: CallRoutes, services: OperationServices, shared: RESTShared) {
        self.calls = calls
        desk = ApprovalDesk(services, shared.ceremonies)
    }

    func add(to router: inout Router<AdmittedPeer>) {
        router.get("/v1/approvals") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(try await desk.overview())
        }
        router.get("/v1/approvals/{id}") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(try await desk.request(request.name("id")))
        }
        router.post("/v1/approvals/{id}/challenge") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(
                try await desk.challenge(request.name("id"), try request.http.jsonObject(), at: Self.page(request)))
        }
        router.post("/v1/approvals/{id}/decision") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(
                try await desk.decide(request.name("id"), try request.http.jsonObject(), at: Self.page(request)))
        }
        router.post("/v1/approvals/standing/{id}/revoke") { (request) throws(MMError) in
            try Self.admit(request)
            _ = try Self.page(request)
            try await desk.revoke(request.name("id"))
            return HTTPServerResponse(status: 204)
        }
        router.post("/v1/passkeys/invitation", invite)
        router.post("/v1/passkeys/options") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(try await desk.registration(try request.http.jsonObject(), at: Self.page(request)))
        }
        router.post("/v1/passkeys") { (request) throws(MMError) in
            try Self.admit(request)
            return Self.answer(try await desk.register(try request.http.jsonObject(), at: Self.page(request)))
        }
    }

    /// Creates the code of a registration link, for a terminal of this user only. Otherwise a client that only has the
    /// pool's secret could register a passkey of its own and approve with it.
    @Sendable private func invite(_ request: AdmittedRequest) throws(MMError) -> HTTPServerResponse {
        guard case .process = request.peer else {
            throw MMError(
                .forbidden, "Only the owner can register a passkey, from a terminal.",
                hint: "Run mm key add NAME --page there.")
        }
        try calls.answersForPerson(request.peer)
        let body = try request.http.jsonObject()
        let code = try desk.invite(body["name"]?.string ?? "", owner: body["owner"]?.string ?? "")
        return Self.answer([
            "code": .string(code.reveal()), "seconds": .int(PasskeyCeremonies.invitationAge.components.seconds),
        ])
    }

    /// Admits only the owner's own clients, since requests of all callers are shown.
    private static func admit(_ request: AdmittedRequest) throws(MMError) {
        guard request.peer.isOwn else {
            throw MMError(.forbidden, "Only the owner can see requests that wait for confirmation.")
        }
    }

    private static func page(_ request: AdmittedRequest) throws(MMError) -> PageOrigin {
        try PageOrigin(origin: request.http.headers["Origin"], host: request.http.headers["Host"])
    }

    private static func answer(_ object: JSONObject) -> HTTPServerResponse {
        var response = HTTPServerResponse.json(JSONWriter.bytes(.object(object)))
        response.headers.set("Cache-Control", "no-store")
        return response
    }
}

/// The state shared by the routers of one process, however many addresses it listens on.
package final class RESTShared: Sendable {
    /// The metrics of all calls.
    package let metrics = PoolMetrics()
    /// The dashboard's lock: a token obtained through the socket unlocks a page that was loaded over TCP.
    let lock = DashboardLock()
    /// The passkeys that pages are being asked for: a link made through the socket is used by a page loaded over TCP.
    let ceremonies: PasskeyCeremonies
    /// What current calls have asked their clients for.
    let open = CallQuestions()

    /// Creates state with nothing counted, asked or unlocked.
    /// - Parameter challenges: the challenges that the nodes share, if this process is one of several.
    package init(sharing challenges: (any SharedChallenges)? = nil) {
        ceremonies = PasskeyCeremonies(sharing: challenges)
    }
}
