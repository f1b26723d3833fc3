import MMCore
import MMGuard
import MMIdentity

/// One call of an operation for several connections: each is called by itself, side by side with the others, with a guard's
/// verdict, an audit line and an identity of its own; their rows come as one answer.
struct SideBySideCall: Sendable {
    let service: LocalOperationService
    let operation: AnyOperation
    let several: SeveralConnections
    let context: CallContext
    let deadline: Deadline
    let record: CallRecord

    /// A call for several connections.
    /// - Returns: `nil` for a call that is for one, or for none.
    static func answer(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext, _ service: LocalOperationService
    ) async throws(MMError) -> OperationAnswer? {
        guard let several = operation.declaration.severalConnections, context.oneOfSeveral == nil else { return nil }
        let text = arguments["connection"]?.string ?? ""
        let selection = try ConnectionSelection(text, in: try service.services.registry.snapshot())
        let resumed = arguments["resume"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        guard selection != nil || resumed != nil else { return nil }
        let record = CallRecord()
        let call = SideBySideCall(
            service: service, operation: operation, several: several, context: context,
            deadline: .after(context.timeLimit), record: record)
        do throws(MMError) {
            if let resumed { return try await call.resume(resumed, arguments) }
            if let selection { return try await call.begin(selection, arguments) }
            return nil
        } catch {
            await CallAudit(operation, by: context.caller, record, with: service.services).end(error)
            throw error
        }
    }

    private func begin(_ selection: ConnectionSelection, _ arguments: JSONObject) async throws(MMError)
        -> OperationAnswer
    {
        record.note("connection", .string(selection.text))
        for name in several.alone where arguments[name].map({ !$0.isNull && $0 != false }) ?? false {
            throw MMError(
                .invalidInput, "`\(name)` goes with one connection alone.",
                hint: "Leave it out, or call each connection by its own name.", details: ["field": .string(name)])
        }
        let snapshot = try service.services.registry.snapshot()
        var customers: [String: [String]] = [:]
        var known: [String: SetFolder.Member] = [:]
        for name in selection.partners {
            let partner = try snapshot.connection(named: name, for: context.caller.server)
            let found = try await PartnerCustomers(of: partner, service.services).expand(until: deadline)
            customers[name] = found.map(\.name)
            for member in found { known[member.name] = member }
        }
        let names = try selection.names(in: snapshot, for: context.caller.server, customers: customers)
        var members: [SetFolder.Member] = []
        for name in names {
            if let member = known[name] {
                members.append(member)
            } else {
                members.append(SetFolder.Member(name: name, tenant: await tenant(of: name) ?? ""))
            }
        }
        try checkFolders(arguments, names)
        let call = SetFolder.Call(
            operation: operation.declaration.name, arguments: arguments, members: members,
            principal: context.caller.signedIn?.id, call: record.call)
        let clearance = try await cleared(call, waiting: members)
        let folder = try SetFolder(call, in: service.services.paths)
        return try await answer(call, folder, clearance)
    }

    private func resume(_ name: String, _ arguments: JSONObject) async throws(MMError) -> OperationAnswer {
        guard arguments.keys.allSatisfy({ $0 == "resume" || $0 == "output" }) else {
            throw MMError(
                .invalidInput, "`resume` goes on with the call as it was made; nothing else goes with it.",
                hint: "Give `resume` alone.", details: ["field": "resume"])
        }
        let folder = try SetFolder(resuming: name, in: service.services.paths)
        let call = try folder.call(for: context.caller.signedIn?.id)
        record.note("connection", call.arguments["connection"] ?? .null)
        if let whole = call.call { record.goesOn(with: whole) }
        guard call.operation == operation.declaration.name else {
            throw MMError(
                .invalidInput, "\(name) is a call of \(call.operation), not of \(operation.declaration.name).",
                hint: "Go on with it where it began.", details: ["field": "resume"])
        }
        for member in call.members {
            guard let name = member.partner else { continue }
            let partner = try service.services.registry.snapshot().connection(named: name, for: context.caller.server)
            try PartnerCustomers(of: partner, service.services).imply(member.name, tenant: member.tenant)
        }
        // Rows of a connection are for those alone who may use it, also when they lie on disk.
        let snapshot = try service.services.registry.snapshot()
        for member in call.members where folder.end(of: call.members.firstIndex(of: member) ?? 0) != nil {
            _ = try snapshot.connection(named: member.name, for: context.caller.server)
        }
        let waiting = call.members.enumerated().filter { index, _ in
            folder.end(of: index) == nil && !folder.hasBegun(index)
        }.map(\.element)
        let clearance = try await cleared(call, waiting: waiting)
        return try await answer(call, folder, clearance)
    }

    /// The id of the tenant that a connection leads to; its domain where nobody can say the id now.
    func tenant(of name: String) async -> String? {
        guard let snapshot = try? service.services.registry.snapshot(),
            let connection = try? snapshot.connection(named: name, for: context.caller.server)
        else { return nil }
        return await service.services.identity.tenantID(of: connection, until: deadline)
    }

    /// The arguments of the call to one connection.
    func arguments(_ call: SetFolder.Call, _ name: String) -> JSONObject {
        var arguments = call.arguments
        for (key, value) in several.arguments { arguments[key] = value }
        arguments["connection"] = .string(name)
        if let key = several.folder, let folder = arguments[key]?.string {
            arguments[key] = .string("\(folder)/\(Self.folderName(of: name))")
        }
        return arguments
    }

    /// The folder of a connection in one that holds those of several.
    private static func folderName(of connection: String) -> String { StatePaths.safeName(connection) }

    /// Refuses connections that would write into one folder.
    private func checkFolders(_ arguments: JSONObject, _ names: [String]) throws(MMError) {
        guard let key = several.folder, arguments[key]?.string != nil else { return }
        var taken: [String: String] = [:]
        for name in names {
            // Some file systems take large and small letters for one.
            guard let other = taken.updateValue(name, forKey: Self.folderName(of: name).lowercased()) else { continue }
            throw MMError(
                .invalidInput, "`\(other)` and `\(name)` would have the same folder in `\(key)`.",
                hint: "Call one of them by itself, with a folder of its own.", details: ["field": .string(key)])
        }
    }

    /// What goes with the call to one connection: nobody is asked on its behalf alone, and it ends with the whole.
    func context(_ clearance: JointClearance) -> CallContext {
        var inner = context
        inner.oneOfSeveral = clearance
        inner.partOf = CallPart(of: OperationContext(call: context, deadline: deadline, record: record))
        inner.person = nil
        inner.waitsForSignIn = false
        inner.backgroundAfter = nil
        inner.input = nil
        inner.progress = { _ in }
        // Who has sent the whole on has not sent the call to this connection on.
        inner.isForwarded = false
        inner.timeLimit = max(deadline.remaining, .zero)
        return inner
    }

    // MARK: The guard

    /// Has every call judged, before any is made, and asks a person once where one has to be asked.
    private func cleared(_ call: SetFolder.Call, waiting: [SetFolder.Member]) async throws(MMError) -> JointClearance {
        // What a dry run sends are reads.
        guard several.isGuarded, call.arguments["dryRun"] != true, context.planning == nil else { return .forReads }
        let clearance = JointClearance()
        let errors = await withTaskGroup(of: MMError?.self) { group in
            var errors: [MMError] = []
            for (turn, member) in waiting.enumerated() {
                if turn >= several.atOnce, let error = await group.next() ?? nil { errors.append(error) }
                group.addTask { await judge(member, call, clearance) }
            }
            for await error in group { if let error { errors.append(error) } }
            return errors
        }
        if let refusal = clearance.refusal() { throw refusal }
        // What is wrong with the call itself is wrong everywhere.
        if errors.count == waiting.count, let first = errors.first, first.code == .invalidInput { throw first }
        if Task.isCancelled { throw MMError(.cancelled, "Cancelled; nothing was sent.") }
        if let question = clearance.question(about: waiting) {
            let outer = OperationContext(call: context, deadline: deadline, record: record)
            let cleared = try await Clearance(clearance.requests, question).settle(
                in: outer, with: service.services.guardServices)
            clearance.permit(cleared, with: question.digest, approvedBy: record.facts["approvedBy"])
        } else {
            clearance.permit()
        }
        return clearance
    }

    /// - Returns: why the call would not get as far as the guard.
    private func judge(_ member: SetFolder.Member, _ call: SetFolder.Call, _ clearance: JointClearance) async
        -> MMError?
    {
        let inner = OperationContext(call: context(clearance), deadline: deadline, record: CallRecord())
        do throws(MMError) {
            _ = try await operation.run(arguments(call, member.name), in: inner, with: service.services)
            return nil
        } catch {
            return clearance.hasJudged(member.name) ? nil : error
        }
    }

    // MARK: The answer

    private func answer(_ call: SetFolder.Call, _ folder: SetFolder, _ clearance: JointClearance)
        async throws(MMError) -> OperationAnswer
    {
        let report = SideBySideReport(total: call.members.count, progress: context.progress)
        let work = SideBySideWork(of: self, call: call, folder: folder, clearance: clearance, report: report)
        let resuming =
            context.caller.surface == .terminal
            ? "\(operation.declaration.commandLine) --resume \(folder.name)"
            : "\(operation.declaration.name) {\"resume\": \"\(folder.name)\"}"
        let channel = RowChannel()
        let flow = HeldFlow(task: Task { await work.run(into: channel) }, channel: channel)
        let stream = ItemStream(end: { report.end(resuming: resuming) }) { () async throws(MMError) in
            try await flow.next()
        }
        let count = call.members.count
        let note =
            "\(count) \(count == 1 ? "connection" : "connections"). Should it break off, this goes on with it: \(resuming)"
        return OperationAnswer(.items(stream), notes: [note])
    }
}
