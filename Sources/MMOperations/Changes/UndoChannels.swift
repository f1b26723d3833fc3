import MMCore
import MMGraph
import MMGuard
import MMIdentity
import MMNative
import MMStates
import PowerShellSyntax

/// A change, or the part of one, with what takes it back.
struct UndoPart: Sendable {
    /// A write that takes a change back.
    enum Action: Sendable {
        case request(GraphRequest)
        case command(ExchangeCommand, at: ExchangeService)

        /// What is sent, in one line.
        var line: String {
            switch self {
            case .request(let request): "\(request.method) \(request.target.path)"
            case .command(let command, _): command.line
            }
        }
    }

    let change: Change
    let actions: [Action]
}

/// The services by which changes are looked at and taken back, each by its own way: requests, or cmdlets.
struct UndoChannels {
    let connection: Connection
    let services: RequestServices
    let context: OperationContext
    let confirmed: Bool

    /// How the object of a change is now.
    struct Present: Sendable {
        let standing: Change.Standing
        var answer: JSONValue?
        var rows: [JSONValue]?
    }

    private func client(_ service: Change.Service) throws(MMError) -> GraphClient {
        try GraphClient(identity: services.identity, connection: connection, service: service == .flow ? .flow : .graph)
    }

    private func watch(_ service: Change.Service) throws(MMError) -> WriteWatch {
        WriteWatch(client: try client(service), connection: connection, requests: services, context: context)
    }

    private func cmdletWatch(_ service: Change.Service) throws(MMError) -> CmdletWatch {
        let client = try ExchangeClient(
            identity: services.identity, connection: connection, service: service.endpoint)
        return CmdletWatch(client: client, connection: connection, requests: services, context: context)
    }

    /// What takes a change back.
    func part(_ change: Change) throws(MMError) -> UndoPart {
        guard change.cmdlet == nil else {
            return UndoPart(
                change: change, actions: change.inverseCommands.map { .command($0, at: change.service.endpoint) })
        }
        let client = try client(change.service)
        let base = try services.identity.cloud(of: connection).base(of: client.resource) ?? ""
        var actions: [UndoPart.Action] = []
        for inverse in change.inverse(base: base) {
            let target = try client.target(inverse.path)
            if let body = inverse.body {
                actions.append(.request(try GraphRequest(method: inverse.method, target: target, json: body)))
            } else {
                actions.append(.request(try GraphRequest(method: inverse.method, target: target)))
            }
        }
        return UndoPart(change: change, actions: actions)
    }

    // MARK: Before

    /// Returns when the guard, or a person whom it asks, permits all actions.
    func settle(_ actions: [UndoPart.Action], changes: () -> [String]) async throws(MMError) {
        var requests: [(module: String, requests: [GraphRequest])] = []
        var commands: [ExchangeService: [ExchangeCommand]] = [:]
        for action in actions {
            switch action {
            case .command(let command, let service): commands[service, default: []].append(command)
            case .request(let request):
                let module = (request.target.service == .flow ? RequestResource.flow : .graph).module
                if let place = requests.firstIndex(where: { $0.module == module }) {
                    requests[place].requests.append(request)
                } else {
                    requests.append((module, [request]))
                }
            }
        }
        for group in requests {
            context.record.note("module", .string(group.module))
            try await RequestClearance(
                connection: connection, module: group.module, guarding: services.guarding, context: context,
                confirmed: confirmed
            ).settle(group.requests) { changes() }
        }
        for service in ExchangeService.allCases {
            guard let commands = commands[service] else { continue }
            let module = ExchangeTable.Service(of: service).module
            context.record.note("module", .string(module))
            try await settle(commands, in: module, changes: changes)
        }
    }

    private func settle(
        _ commands: [ExchangeCommand], in module: String, changes: () -> [String]
    ) async throws(MMError) {
        let lines = commands.map(\.line)
        var strictest: Verdict?
        var asking: [GuardFinding] = []
        for line in lines {
            let verdict = try ScriptJudging(
                script: line, parsed: PowerShellParser.parse(line), module: module, engine: .native, of: connection,
                isConfirmed: confirmed, in: context, with: services.guarding
            ).judge(with: .fresh).verdict
            asking += verdict.asking
            guard let known = strictest else {
                strictest = verdict
                continue
            }
            if (known.decision, known.guardClass.rank) < (verdict.decision, verdict.guardClass.rank) {
                strictest = verdict
            }
        }
        guard var verdict = strictest else { return }
        verdict.asking = asking
        var question = ConfirmationRequest(
            on: connection, module: module, title: "undo in \(module)", text: lines.joined(separator: "\n"),
            verdict: verdict)
        if verdict.decision == .ask { question.changes = changes() }
        try await Clearance(question).settle(in: context, with: services.guarding)
    }

    /// Signs in to the services, so that nothing stops in the middle for it.
    func signIn(for used: Set<Change.Service>) async throws(MMError) {
        for service in used {
            let resource: ServiceResource =
                switch service {
                case .graph: .graph
                case .flow: .flow
                case .exchange: .exchange
                case .compliance: .compliance
                }
            _ = try await services.identity.waitingForSignIn(
                to: connection, resource: resource, in: context
            ) { () async throws(MMError) in
                try await services.identity.token(for: connection, resource: resource, deadline: context.deadline)
            }
        }
    }

    /// What has become of a change, with the state that tells it.
    func present(of change: Change) async throws(MMError) -> Present {
        if change.cmdlet != nil {
            guard change.presentCommand != nil else { return Present(standing: .unknown) }
            let watch = try cmdletWatch(change.service)
            let rows = try await watch.present(of: change)
            return Present(standing: try await watch.standing(of: change, inRows: rows), rows: rows)
        }
        guard change.presentPath != nil else { return Present(standing: .unknown) }
        let answer = try await watch(change.service).present(of: change)
        return Present(standing: change.standing(in: answer), answer: answer)
    }

    /// Who has changed it since, as far as the directory's audit log tells.
    func changedBy(_ entry: JournalEntry) async -> String? {
        guard entry.change.service == .graph, let client = try? client(.graph) else { return nil }
        return await ChangedBy(client: client, deadline: context.deadline).sentence(on: entry)
    }

    // MARK: Writing

    /// Sends what takes a change back, and notes it in the journal.
    /// - Returns: what it has changed.
    func carryOut(
        _ action: UndoPart.Action, of change: Change, _ present: Present, _ undoing: JournalNotes.Undoing,
        notes: inout [String]
    ) async throws(MMError) -> Change? {
        switch action {
        case .command(let command, _):
            let watch = try cmdletWatch(change.service)
            guard var inverse = Change(command, at: watch.client.service) else { return nil }
            if !inverse.isBeforeKnown {
                inverse =
                    inverse.priorCommands.count == 1 && present.rows != nil
                    ? inverse.knowing(rows: present.rows) : await watch.read(inverse)
            }
            return try await watch.run(command, changing: inverse, undoing: undoing, notes: &notes)
        case .request(let request):
            let watch = try watch(change.service)
            let guarded = try request.guarded(by: present.answer, of: change)
            var write = WriteWatch.Write(
                request: guarded, change: change.inverseChange(by: guarded, present.answer))
            if write.change?.isBeforeKnown == false { write = await watch.writes([guarded]).first ?? write }
            let response = try await watch.sending([write], undoing: undoing, notes: &notes) {
                () async throws(MMError) in
                try await watch.client.send(guarded, deadline: context.deadline)
            }
            return write.change?.left(by: try? response.json(), etag: nil)
        }
    }
}

extension Change.Service {
    /// The endpoint that runs its cmdlets.
    fileprivate var endpoint: ExchangeService { self == .compliance ? .compliance : .exchange }
}

extension GraphRequest {
    /// The request for exactly the version that was looked at, where the service has versions.
    fileprivate func guarded(by present: JSONValue?, of change: Change) throws(MMError) -> GraphRequest {
        guard method == "PATCH" || method == "DELETE", [.properties, .creation].contains(change.kind),
            let etag = present?["@odata.etag"]?.string
        else { return self }
        return try GraphRequest(
            method: method, target: target, headers: ["If-Match": etag], body: body, contentType: contentType)
    }
}
