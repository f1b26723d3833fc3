import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative
import PowerShellSyntax

/// A change, or a part of one, with the writes that undo it.
struct UndoPart: Sendable {
    /// A write that undoes a change.
    enum Action: Sendable {
        case request(GraphRequest)
        case command(ExchangeCommand, at: ExchangeService)

        /// The request or cmdlet in one line, without the query.
        var line: String {
            switch self {
            case .request(let request): "\(request.method) \(request.target.path)"
            case .command(let command, _): command.line
            }
        }

        /// The request or cmdlet in one line, with the query.
        fileprivate var whole: String {
            if case .request(let request) = self { return "\(request.method) \(request.target.pathAndQuery)" }
            return line
        }
    }

    let change: Change
    let actions: [Action]
}

/// The channels by which changes are read and undone at each service: requests or cmdlets.
struct UndoChannels {
    let connection: Connection
    let services: RequestServices
    let context: OperationContext
    let confirmed: Bool

    /// The present state of a change's object.
    struct Present: Sendable {
        let standing: Change.Standing
        var answer: JSONValue?
        var rows: [JSONValue]?
        /// Why the change can't be undone although the object is as the change left it.
        var obstacle: String?

        /// Whether the object itself was found.
        var isFound: Bool { answer != nil || rows?.isEmpty == false }
    }

    private func client(_ service: Change.Service) throws(MMError) -> GuardedClient {
        try GuardedClient(
            identity: services.identity, connection: connection, service: service.requests)
    }

    private func watch(_ service: Change.Service) throws(MMError) -> WriteWatch {
        WriteWatch(client: try client(service), connection: connection, requests: services, context: context)
    }

    private func cmdletWatch(_ service: Change.Service) throws(MMError) -> CmdletWatch {
        let client = try GuardedExchange(
            identity: services.identity, connection: connection, service: service.endpoint)
        return CmdletWatch(client: client, connection: connection, requests: services, context: context)
    }

    /// Returns a change with the writes that undo it.
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

    /// Returns the request for confirmation of all writes that undo changes on this connection, with the guard's joint
    /// verdict. There is one question for all services, and the strictest verdict on an action applies to all.
    /// - Parameters:
    ///   - objects: the number of objects that are changed.
    ///   - changes: returns the lines about the changes that a person is shown.
    /// - Returns: `nil` if nothing is sent.
    func question(
        _ actions: [UndoPart.Action], objects: Int, changes: () -> [String]
    ) async throws(MMError) -> ConfirmationRequest? {
        var verdicts: [Verdict] = []
        let looking = SecurityGroups(identity: services.identity, connection: connection)
        var modules: [String] = []
        var requests: [GraphRequest] = []
        for action in actions {
            let module: String
            switch action {
            case .request(let request):
                module = RequestResource(request.target.service)?.module ?? request.target.service.rawValue
                requests.append(request)
                let verdict = try services.guarding.verdict(
                    on: [request], of: connection, confirmed: confirmed, in: context)
                if let verdict { verdicts.append(verdict) }
            case .command(let command, let service):
                module = ExchangeTable.Service(of: service).module
                let line = command.line
                let parsed = PowerShellParser.parse(line)
                let seen =
                    MemberCmdlets.adds(command.cmdlet)
                    ? await looking.findings(on: MemberCmdlets.groups(in: parsed), until: context.deadline) : []
                verdicts.append(
                    try ScriptJudging(
                        script: line, parsed: parsed, module: module, engine: .native,
                        of: connection, isConfirmed: confirmed, seen: seen, in: context, with: services.guarding
                    ).judge(with: .fresh).verdict)
            }
            if !modules.contains(module) { modules.append(module) }
        }
        guard
            let verdict = Verdict.joined(verdicts)?.changing(
                objects, by: "Undoing changes to \(objects.counted("object"))",
                instead: "To see them first, add --dry-run.")
        else { return nil }
        let module = modules.joined(separator: ", ")
        context.record.note("module", .string(module))
        var question = ConfirmationRequest(
            on: connection, module: module, title: "undo in \(module)",
            text: actions.map(\.whole).joined(separator: "\n"), body: Desk.bodies(requests),
            verdict: verdict)
        if verdict.decision == .ask { question.changes = changes() }
        return question
    }

    /// Signs in to the services in advance, so that the undo isn't interrupted by a sign-in.
    func signIn(for used: Set<Change.Service>) async throws(MMError) {
        for service in used {
            let resource = service.resource
            _ = try await services.identity.waitingForSignIn(
                to: connection, resource: resource, in: context
            ) { () async throws(MMError) in
                try await services.identity.token(for: connection, resource: resource, deadline: context.deadline)
            }
        }
    }

    /// Throws if a change was made in another tenant or by another account.
    func prove(_ entries: [JournalEntry], isSignedIn: Bool) async throws(MMError) {
        var acting: [Change.Service: JournalEntry.Author?] = [:]
        var proven: Set<[String]> = []
        for entry in entries {
            let service = entry.change.service
            guard let author = entry.author, proven.insert([service.rawValue, author.tenant, author.account]).inserted
            else { continue }
            if acting[service] == nil {
                acting[service] = await services.identity.author(
                    of: connection, resource: service.resource, deadline: context.deadline)
            }
            try UndoReach.prove(author, on: connection, as: acting[service] ?? nil, isSignedIn: isSignedIn)
        }
    }

    /// Returns whether the object of a change is in this tenant, by its unique id. This is for changes noted by an
    /// earlier version, without tenant and account.
    func isHere(_ change: Change, _ present: Present) async -> Bool {
        guard GUID.isValid(change.subject.id) else { return false }
        if present.isFound {
            if let id = present.answer?["id"]?.string { return id.lowercased() == change.subject.id.lowercased() }
            return true
        }
        guard change.cmdlet == nil, change.service == .graph, change.kind != .deletion, let watch = try? watch(.graph)
        else { return false }
        let object = await watch.found("/\(change.version)/directoryObjects/\(change.subject.id)?$select=id")
        return (try? object.get()) != nil
    }

    /// Returns whether a change still stands, with the present state of its object.
    func present(of change: Change) async throws(MMError) -> Present {
        if change.cmdlet != nil {
            guard change.presentCommand != nil else { return Present(standing: .unknown) }
            let watch = try cmdletWatch(change.service)
            let rows = try await watch.present(of: change)
            return Present(standing: try await watch.standing(of: change, inRows: rows), rows: rows)
        }
        guard change.presentPath != nil else { return Present(standing: .unknown) }
        let watch = try watch(change.service)
        let answer = try await watch.present(of: change)
        var present = Present(standing: change.standing(in: answer), answer: answer)
        if answer != nil, let path = change.versionsPath {
            let versions = try await watch.rows(path)
            present.rows = versions
            present.obstacle = change.versionObstacle(versions)
        }
        return present
    }

    /// Returns the objects that look like the one that a change created, or that its undo would create again; `nil` if
    /// they can't be listed.
    func alike(_ change: Change) async throws(MMError) -> [Change.Subject]? {
        if let path = change.alikePath { return change.alike(in: try await watch(change.service).rows(path)) }
        guard let command = change.alikeCommand else { return nil }
        let rows = try await cmdletWatch(change.service).rows(command)
        return change.alike(inRows: rows).map { row in
            Change.Subject(
                id: ["Guid", "RuleIdentity", "Identity"].lazy.compactMap { row[$0]?.string }.first ?? "",
                name: row["Name"]?.string)
        }
    }

    /// Returns who has changed the object since, as far as the directory's audit log says.
    func changedBy(_ entry: JournalEntry) async -> String? {
        guard entry.change.service == .graph, let client = try? client(.graph) else { return nil }
        return await ChangedBy(client: client, deadline: context.deadline).sentence(on: entry)
    }

    // MARK: Writing

    /// Sends a write that undoes a change, and notes it in the journal.
    /// - Parameter twins: the existing objects that look like the one that is created again.
    /// - Returns: the change that the write made.
    func carryOut(
        _ action: UndoPart.Action, by cleared: Cleared<some RequestAct & CmdletAct>, of change: Change,
        _ present: Present, beside twins: [Change.Subject]?, _ undoing: JournalNotes.Undoing, notes: inout [String]
    ) async throws(MMError) -> Change? {
        let step = UndoStep(channels: self, action: action, undone: undoing.entry)
        do throws(MMError) {
            let left = try await send(
                action, by: cleared, of: change, present, beside: twins, undoing, notes: &notes)
            await step.end(nil, change: newestEntry)
            return left
        } catch {
            await step.end(error, change: newestEntry)
            throw error
        }
    }

    /// The id of the journal entry of the last write.
    private var newestEntry: String? { context.record.facts["change"]?.string }

    private func send(
        _ action: UndoPart.Action, by cleared: Cleared<some RequestAct & CmdletAct>, of change: Change,
        _ present: Present, beside twins: [Change.Subject]?, _ undoing: JournalNotes.Undoing, notes: inout [String]
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
            return try await watch.run(command, by: cleared, changing: inverse, undoing: undoing, notes: &notes)
        case .request(let request):
            let watch = try watch(change.service)
            let guarded = try request.guarded(by: present.answer, of: change)
            var write = WriteWatch.Write(
                request: guarded, change: change.inverseChange(by: guarded, present.answer))
            if change.kind == .content { write.change = write.change?.knowing(versions: present.rows ?? []) }
            if write.change?.isBeforeKnown == false { write = await watch.writes([guarded]).first ?? write }
            if let twins { write.change = write.change?.beside(twins) }
            let response = try await watch.send(
                guarded, by: cleared, changing: [write], undoing: undoing, notes: &notes)
            return write.change?.left(by: try? response.json(), etag: nil)
        }
    }
}

extension Change.Service {
    /// The endpoint that runs its cmdlets.
    fileprivate var endpoint: ExchangeService { self == .compliance ? .compliance : .exchange }

    /// The resource that its access tokens are for.
    fileprivate var resource: ServiceResource {
        switch self {
        case .graph, .other: .graph
        case .flow: .flow
        case .exchange: .exchange
        case .compliance: .compliance
        case .teams: .teams
        }
    }

    /// The service that its requests go to.
    fileprivate var requests: RequestService {
        switch self {
        case .flow: .flow
        case .teams: .teams
        case .graph, .exchange, .compliance, .other: .graph
        }
    }
}

extension GraphRequest {
    /// Returns the request with an `If-Match` header for the version that was read, if the service has versions.
    fileprivate func guarded(by present: JSONValue?, of change: Change) throws(MMError) -> GraphRequest {
        guard method == "PATCH" || method == "DELETE", [.properties, .creation].contains(change.kind),
            let etag = present?["@odata.etag"]?.string
        else { return self }
        return try GraphRequest(
            method: method, target: target, headers: ["If-Match": etag], body: body, contentType: contentType)
    }
}

/// The audit line for one write that undoes a change. Each write has its own, since one call of `undo` may send
/// thousands.
struct UndoStep {
    /// The operation's name in these lines.
    static let operation = "undo_step"

    let channels: UndoChannels
    /// The write.
    let action: UndoPart.Action
    /// The entry that it undoes.
    let undone: String

    /// Writes the line about how the write ended.
    func end(_ error: MMError?, change: String?) async {
        let (context, services) = (channels.context, channels.services)
        var line: JSONObject = [
            "operation": .string(Self.operation), "call": .string(context.record.call),
            "surface": .string(context.call.caller.surface.rawValue),
            "client": .string(context.call.caller.name), "connection": .string(channels.connection.name),
            "undoes": .string(undone), "outcome": .string(error?.code.word ?? "done"),
        ]
        let place = CallPlace(registry: services.guarding.registry, identity: services.identity)
        for (key, value) in await place.facts(of: channels.connection) { line[key] = value }
        line["user"] = context.call.caller.user.map { .string($0) }
        line["principal"] = context.call.caller.signedIn.map { .string($0.id) }
        line["change"] = change.map { .string($0) }
        switch action {
        case .request(let request):
            line["method"] = .string(request.method)
            line["path"] = .string(request.target.path)
        case .command(let command, _):
            line["commands"] = [.string(command.cmdlet)]
            let targets = ["Identity", "Mailbox", "Name"].compactMap { command.parameters[$0]?.string }
            if let target = targets.first { line["targets"] = [.string(VisibleText.exact(target))] }
        }
        do throws(MMError) {
            try await services.audit.append(line)
        } catch {
            services.log.error("the audit line of an undo could not be written: \(error.message)")
        }
    }
}
