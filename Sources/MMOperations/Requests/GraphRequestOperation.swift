import MMCore
import MMGraph
import MMGuard
import MMIdentity

/// `graph_request`: one request to Microsoft Graph or Power Automate with a connection's sign-in.
struct GraphRequestOperation: CatalogueOperation {
    typealias Input = GraphRequestInput

    let declaration = OperationDeclaration(
        "graph_request", aliases: ["mm_graph_request"], command: ["graph"], title: "Graph request",
        summary: "Send a request to Microsoft Graph or Power Automate.",
        description:
            "Sends one request to Microsoft Graph or, with resource flow, to Power Automate, as the connection's account. "
            + "{\"search\": \"inbox rules of a user\"} finds endpoints. Without arguments it lists the connections. When it "
            + "answers with a sign-in code, show it to the person and repeat the call afterwards. Sends and other risky "
            + "requests need a person's yes. "
            + "Example: {\"connection\": \"Contoso\", \"endpoint\": \"/users\", \"query\": {\"$select\": \"displayName,mail\"}}",
        effects: .init(readOnly: false, destructive: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm graph Contoso /me", "the signed-in account"),
            .init(
                "mm graph Contoso /users --query '$select=displayName,mail' --query '$filter=accountEnabled eq false' --all "
                    + "--output csv", "all disabled accounts as CSV"),
            .init("mm graph Contoso /groups -X POST -d @group.json", "a body from a file"),
            .init(
                "mm graph Contoso /providers/Microsoft.ProcessSimple/environments --resource flow",
                "Power Automate environments"),
        ]
    ).forReaders

    func run(
        _ input: GraphRequestInput, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let guarding = services.guarding
        if let words = input.search {
            return try CallSheet.answer(to: words, method: nil, beta: false, top: 5)
        }
        guard let name = input.connection, let endpoint = input.endpoint else {
            return ConnectionsList.answer(of: try guarding.registry.snapshot(), in: context)
        }
        let connection = try guarding.registry.connection(named: name, in: context)
        let service: RequestService = input.resource == "flow" ? .flow : .graph
        let progress = ItemProgress(context.call.progress)
        let client = try GraphClient(identity: services.identity, connection: connection, service: service)
            .reportingWaits { progress.waits($0) }
        let query = UsualProperties.withoutStar(input.query, for: context.call.caller)
        let written = try client.target(endpoint, query: query.query)
        if !input.unlisted { try PathFault.check(input.method, written) }
        let usual = query.isStar ? nil : UsualProperties.added(to: written, input.method, for: context.call.caller)
        let target = usual?.target ?? written
        let module = service == .flow ? "flow-api" : "graph-api"
        context.record.note("module", .string(module))
        context.record.note("method", .string(input.method))
        context.record.note("path", .string(target.path))
        if let batch = BatchItems(of: input.body, at: target) { context.record.note("items", batch.json) }

        let request = try GraphRequest(
            method: input.method, target: target, body: input.body.map { JSONWriter.bytes($0) },
            contentType: input.body == nil ? nil : "application/json")
        let judged = GuardedRequest(method: input.method, target: target, body: input.body.map { .json($0) } ?? .none)
        let policy = guarding.policy(of: connection, in: context)
        let verdict = try guarding.guards.engine().judge(judged, policy: policy, confirmed: input.confirmed)
        try await Clearance(
            ConfirmationRequest(
                on: connection, module: module, title: "\(input.method) \(target.path)",
                text: "\(input.method) \(target.pathAndQuery)", body: request.body ?? [], verdict: verdict)
        ).settle(in: context, with: guarding.ledger)

        let asked = "\(input.method) \(target.pathAndQuery)"
        return try await services.identity.waitingForSignIn(
            to: connection, resource: service == .flow ? .flow : .graph, in: context
        ) { () async throws(MMError) in
            if input.all || input.top != nil {
                let limits = PageLimits(items: input.top)
                var answer = try await Self.pages(
                    client.pages(request, limits: limits, deadline: context.deadline), progress, connection)
                if let usual { answer.notes.append(usual.note) }
                return answer
            }
            let response = try await client.send(request, deadline: context.deadline)
            var answer = Self.one(response, connection)
            if let usual { answer.notes.append(usual.note) }
            if let advice = BatchOutcome(response, to: request, now: .now)?.advice {
                answer.notes.append(advice)
                answer.exitStatus = 1
            }
            let body = request.body.map { " " + String(decoding: $0.prefix(2000), as: UTF8.self) } ?? ""
            context.logContent(of: connection, module, sent: asked + body, answer: answer, to: services.log)
            return answer
        }
    }

    private static func one(_ response: GraphResponse, _ connection: Connection) -> OperationAnswer {
        if response.body.isEmpty {
            var value: JSONObject = ["status": .int(Int64(response.status))]
            if let location = response.header("Location") { value["location"] = .string(location) }
            return OperationAnswer(.value(.object(value)), connection: connection.name)
        }
        if response.isJSON { return OperationAnswer(.json(response.body), connection: connection.name) }
        return OperationAnswer(
            .bytes(response.body, contentType: response.contentType ?? "application/octet-stream"),
            connection: connection.name)
    }

    /// The first page is fetched here, so that what is wrong with the request is an error and no torn list.
    private static func pages(_ pages: GraphPages, _ progress: ItemProgress, _ connection: Connection)
        async throws(MMError) -> OperationAnswer
    {
        let walk = PageReader(pages, progress: progress)
        let first = try await walk.next()
        if let first, !first.isCollection, let item = first.items.first {
            return OperationAnswer(.json(Array(item)), connection: connection.name)
        }
        let stream = ItemStream(startingWith: first?.items) { () async throws(MMError) in try await walk.next()?.items }
        var answer = OperationAnswer(.items(stream), connection: connection.name)
        // Rows alone go on; the count that was asked for stands beside them.
        if let count = first?.count { answer.notes.append("@odata.count: \(count)") }
        return answer
    }
}
