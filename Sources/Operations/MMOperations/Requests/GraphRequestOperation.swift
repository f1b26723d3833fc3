import MMCore
import MMGraph
import MMGuard
import MMIdentity

/// `graph_request`: one request to a service of Microsoft 365 with a connection's sign-in.
struct GraphRequestOperation: CatalogueOperation {
    typealias Input = GraphRequestInput

    let declaration = OperationDeclaration(
        "graph_request", aliases: ["mm_graph_request"], command: ["graph"], title: "Graph request",
        summary: "Send a request to Microsoft Graph, Power Automate, Azure, Power Platform or SharePoint.",
        description:
            "Sends one request as the connection's account to Microsoft Graph, or to the service in resource. "
            + "{\"search\": \"inbox rules of a user\"} finds endpoints. Without arguments it lists the connections. Show a "
            + "sign-in code to the person, then repeat the call. Risky requests need a person's yes. "
            + "Example: {\"connection\": \"Contoso\", \"endpoint\": \"/users\", \"query\": {\"$select\": \"displayName,mail\"}}",
        effects: .init(readOnly: false, destructive: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm graph Contoso /me", "the signed-in account"),
            .init(
                "mm graph Contoso /users --query '$select=displayName,mail' --query '$filter=accountEnabled eq false' --all "
                    + "--output csv", "all disabled accounts as CSV"),
            .init("mm graph Contoso /groups -X POST -d @group.json", "a body from a file"),
            .init(
                "mm graph Contoso /me/drive/root:/Reports/ --upload report.pdf",
                "a file of any size; the same call goes on where a broken one stopped"),
            .init("mm graph Contoso /me/drive/root:/Reports/report.pdf --download .", "the file, in this folder"),
            .init(
                "mm graph Contoso /me/drive/root:/Reports --download . --recursive",
                "the folder with all that lies in it"),
            .init("mm graph Contoso /users/delta --changes --json", "what has changed since the last such call"),
            .init("mm graph Contoso --batch @requests.jsonl", "many requests, twenty at a time"),
            .init(
                "mm graph Contoso /users/ada@contoso.com -X PATCH -d '{\"department\": \"Finance\"}' --dry-run",
                "what it would change; nothing is sent. `mm undo` takes back what was"),
            .init(
                "mm graph Contoso /providers/Microsoft.ProcessSimple/environments --resource flow",
                "Power Automate environments"),
        ]
    ).forReaders.plannable.forSeveral(.init(isGuarded: true, alone: ["upload", "download", "recursive", "conflict"]))

    func run(
        _ input: GraphRequestInput, in context: OperationContext, with services: TransferServices
    ) async throws(MMError) -> OperationAnswer {
        let requests = services.requests
        let guarding = requests.guarding
        if let words = input.search {
            // GET is what a caller gets who says nothing.
            let method = input.method == "GET" ? nil : input.method
            if let path = CallSheet.path(in: words) {
                return try CallSheet.answer(about: path, method: method, beta: false)
            }
            return try CallSheet.answer(
                to: words, method: method, beta: false, top: 5, of: input.resource, with: .of(guarding.paths))
        }
        guard let name = input.connection, let endpoint = input.endpoint ?? input.batch.map({ _ in "/$batch" }) else {
            return ConnectionsList.answer(of: try guarding.registry.snapshot(), in: context)
        }
        let connection = try guarding.registry.connection(named: name, in: context)
        let progress = ItemProgress(limit: input.top, context.call.progress)
        let place = try RequestResource.place(
            input.resource, of: endpoint, connection: connection, cloud: try requests.identity.cloud(of: connection))
        let client = try GraphClient(
            identity: requests.identity, connection: connection, service: place.service,
            sharePointLabel: place.sharePointLabel
        ).reportingWaits { progress.waits($0) }
        let query = UsualProperties.withoutStar(input.query, for: context.call.caller)
        let asWritten = try client.target(endpoint, query: query.query)
        let versioned = place.service == .arm ? ProviderVersion.added(to: asWritten) : nil
        let written = versioned?.target ?? asWritten
        let isPlain = input.upload == nil && input.download == nil && !input.changes && input.batch == nil
        // Files have places of their own below a drive, which no table lists.
        if isPlain, !input.unlisted {
            try PathFault.check(input.method, written, hasBody: input.body != nil, body: input.body)
        }
        let usual =
            query.isStar || !isPlain
            ? nil : UsualProperties.added(to: written, input.method, for: context.call.caller)
        let target = usual?.target ?? written
        let module = place.resource.module
        context.record.note("module", .string(module))
        context.record.note("method", .string(input.method))
        context.record.note("path", .string(target.path))
        let clearance = RequestClearance(
            connection: connection, module: module, guarding: guarding, context: context, confirmed: input.confirmed)

        let watch = WriteWatch(client: client, connection: connection, requests: requests, context: context)
        if let text = input.batch {
            let batch = try BatchOfRequests(text, client: client)
            if !input.unlisted { try PathFault.check(BatchItems(batch.parts).items) }
            let asked = batch.parts.map(\.request)
            if input.isDryRun { return try await WriteForecast(watch, clearance).answer(asked) }
            if let planning = context.call.planning, try clearance.changes(asked) {
                return try await planning.record(asked, of: place.resource, watch, clearance)
            }
            var writes: [WriteWatch.Write] = []
            try await clearance.settle(asked) {
                writes = await watch.writes(asked)
                return WriteWatch.lines(of: writes)
            }
            let planned = writes
            return try await requests.identity.waitingForSignIn(
                to: connection, resource: client.resource, in: context
            ) { () async throws(MMError) in
                try await batch.answer(
                    client: client, watch: watch, writes: planned, deadline: context.deadline, progress: progress)
            }
        }
        if input.upload != nil || input.download != nil {
            try context.call.refusePlanning("Files that are sent or fetched")
            let transfer = FileTransfer(
                client: client, connection: connection, input: input, clearance: clearance, services: services)
            // The slash at the end of a folder is the caller's own.
            let place = input.query.isEmpty ? endpoint : target.pathAndQuery
            if let file = input.upload { return try await transfer.upload(file, to: place) }
            if let file = input.download {
                let list = ListDownload(transfer: transfer, target: target, progress: progress)
                return list.isMeant ? try await list.run(to: file) : try await transfer.download(place, to: file)
            }
        }
        if let batch = BatchItems(of: input.body, at: target) {
            if !input.unlisted { try PathFault.check(batch.items) }
            context.record.note("items", batch.json)
        }

        let request = try GraphRequest(
            method: input.method, target: input.changes ? try client.changes(of: target) : target,
            headers: input.headers, body: input.body.map { JSONWriter.bytes($0) },
            contentType: input.body == nil ? nil : "application/json")
        // A batch changes what its items change.
        let items = BatchItems(of: input.body, at: target).map { _ in
            BatchOfRequests.parts(ofBody: input.body, client: client)
        }
        let parts = items?.map(\.request) ?? [request]
        if input.isDryRun { return try await WriteForecast(watch, clearance).answer(parts) }
        if let planning = context.call.planning, try clearance.changes(parts) {
            return try await planning.record(parts, of: place.resource, watch, clearance)
        }
        var writes: [WriteWatch.Write] = []
        try await clearance.settle([request]) {
            writes = await watch.writes(parts)
            return WriteWatch.lines(of: writes)
        }
        let planned = writes

        let asked = "\(input.method) \(target.pathAndQuery)"
        let selected = SelectedMembers(of: target, for: context.call.caller)
        return try await requests.identity.waitingForSignIn(
            to: connection, resource: client.resource, in: context
        ) { () async throws(MMError) in
            if input.changes {
                let memory = ChangesMemory(
                    connection: connection, service: client.service, target: request.target,
                    principal: context.call.caller.signedIn?.id, paths: guarding.paths)
                return try await ChangesReader(
                    client: client, request: request, memory: memory, deadline: context.deadline, progress: progress
                ).answer(connection: connection)
            }
            if input.all || input.top != nil {
                let limits = PageLimits(items: input.top)
                var answer = try await Self.pages(
                    client.pages(request, limits: limits, deadline: context.deadline), progress, connection)
                if let usual { answer.notes.append(usual.note) }
                if let versioned { answer.notes.append(versioned.note) }
                return selected?.answer(answer) ?? answer
            }
            var notes: [String] = []
            var response = try await watch.sending(planned, ids: items?.map(\.id), notes: &notes) {
                () async throws(MMError) in
                try await client.send(request, deadline: context.deadline)
            }
            if input.waits {
                response = try await client.outcome(of: response, to: request, deadline: context.deadline) {
                    progress.waits($0)
                }
            }
            var answer = try Self.one(response, to: request, connection)
            if context.call.caller.surface == .mcp, case .bytes(let bytes, _) = answer.body,
                ListDownload.isReport(request.target), let rows = CSVRows.read(bytes)
            {
                // A report comes as a file of comma-separated values: a model gets its rows, as of any list.
                answer.body = .items(ItemStream(startingWith: rows.map { JSONWriter.bytes($0)[...] }) { nil })
            }
            if let selected { answer = selected.answer(answer) }
            answer.notes += notes
            if let usual { answer.notes.append(usual.note) }
            if let versioned { answer.notes.append(versioned.note) }
            if let note = AdvancedQuery.note(for: request.target) { answer.notes.append(note) }
            if let advice = BatchOutcome(response, to: request, now: .now)?.advice {
                answer.notes.append(advice)
                answer.missing = advice
            }
            let body = request.body.map { " " + String(decoding: $0.prefix(2000), as: UTF8.self) } ?? ""
            context.logContent(of: connection, module, sent: asked + body, answer: answer, to: requests.log)
            return answer
        }
    }

    private static func one(
        _ response: GraphResponse, to request: GraphRequest, _ connection: Connection
    ) throws(MMError) -> OperationAnswer {
        if response.body.isEmpty {
            var value: JSONObject = ["status": .int(Int64(response.status))]
            if let location = response.header("Location") { value["location"] = .string(location) }
            return OperationAnswer(.value(.object(value)), connection: connection.name)
        }
        if response.isJSON {
            try checkWhole(response, to: request)
            return OperationAnswer(.json(response.body), connection: connection.name)
        }
        return OperationAnswer(
            .bytes(response.body, contentType: response.contentType ?? "application/octet-stream"),
            connection: connection.name)
    }

    /// Half a JSON text is no answer, whatever its status says: something on the way cut it off or made it up.
    private static func checkWhole(_ response: GraphResponse, to request: GraphRequest) throws(MMError) {
        do throws(JSONError) { _ = try JSONParser.parse(response.body) } catch {
            let isRead = request.method == "GET"
            throw MMError(
                .remoteFailed,
                "The answer to \(request.method) \(request.target.path) (\(response.status)) is said to be JSON and isn't: "
                    + "\(error).",
                hint: isRead
                    ? "Ask again." : "Nobody knows whether it was carried out: look before you send it again.",
                retry: isRead ? .now : .never, details: ["status": .int(Int64(response.status))])
        }
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
        if let note = AdvancedQuery.note(for: pages.request.target) { answer.notes.append(note) }
        if let count = first?.count { answer.notes.append("@odata.count: \(count)") }
        return answer
    }
}
