package import MMCore
import MMGuard
import MMIdentity

/// One call of an operation for several connections. The connections are called concurrently, each with a guard's
/// verdict, an audit line and an identity of its own; their rows form one answer.
struct SideBySideCall: Sendable {
    let service: LocalOperationService
    let operation: AnyOperation
    let several: SeveralConnections
    let context: CallContext
    let deadline: Deadline
    let record: CallRecord

    /// Answers a call for several connections.
    /// - Returns: `nil` for a call for one connection or none.
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
                .invalidInput, "`\(name)` can only be used with a single connection.",
                hint: "Leave it out, or call each connection separately.", details: ["field": .string(name)])
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
                .invalidInput, "`resume` continues the call unchanged and can't be combined with other arguments.",
                hint: "Give only `resume`.", details: ["field": "resume"])
        }
        let folder = try SetFolder(resuming: name, in: service.services.paths)
        let call = try folder.call(for: context.caller.signedIn?.id)
        record.note("connection", call.arguments["connection"] ?? .null)
        if let whole = call.call { record.goesOn(with: whole) }
        guard call.operation == operation.declaration.name else {
            throw MMError(
                .invalidInput, "\(name) is a call of \(call.operation), not of \(operation.declaration.name).",
                hint: "Resume it with \(call.operation).", details: ["field": "resume"])
        }
        for member in call.members {
            guard let name = member.partner else { continue }
            let partner = try service.services.registry.snapshot().connection(named: name, for: context.caller.server)
            try PartnerCustomers(of: partner, service.services).imply(member.name, tenant: member.tenant)
        }
        // Rows of a connection, also stored ones, are only for callers that may use the connection.
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

    /// Returns the tenant id of a connection, or its domain where the id can't be determined.
    func tenant(of name: String) async -> String? {
        guard let snapshot = try? service.services.registry.snapshot(),
            let connection = try? snapshot.connection(named: name, for: context.caller.server)
        else { return nil }
        return await service.services.identity.tenantID(of: connection, until: deadline)
    }

    /// Returns the arguments of the call to one connection.
    func arguments(_ call: SetFolder.Call, _ name: String) -> JSONObject {
        var arguments = call.arguments
        for (key, value) in several.arguments { arguments[key] = value }
        arguments["connection"] = .string(name)
        if let key = several.folder, let folder = arguments[key]?.string {
            arguments[key] = .string("\(folder)/\(Self.folderName(of: name))")
        }
        return arguments
    }

    /// Returns the name of a connection's folder within the common folder.
    private static func folderName(of connection: String) -> String { StatePaths.safeName(connection) }

    /// Throws if several connections would write to the same folder.
    private func checkFolders(_ arguments: JSONObject, _ names: [String]) throws(MMError) {
        guard let key = several.folder, arguments[key]?.string != nil else { return }
        var taken: [String: String] = [:]
        for name in names {
            // Some file systems ignore case.
            guard let other = taken.updateValue(name, forKey: Self.folderName(of: name).lowercased()) else { continue }
            throw MMError(
                .invalidInput, "`\(other)` and `\(name)` would have the same folder in `\(key)`.",
                hint: "Call one of them separately, with another folder.", details: ["field": .string(key)])
        }
    }

    /// Returns the context of the call to one connection: it asks no person, and shares the deadline of the whole call.
    func context(_ clearance: JointClearance) -> CallContext {
        var inner = context
        inner.oneOfSeveral = clearance
        inner.partOf = CallPart(of: OperationContext(call: context, deadline: deadline, record: record))
        inner.person = nil
        inner.waitsForSignIn = false
        inner.backgroundAfter = nil
        inner.input = nil
        inner.progress = { _ in }
        // The whole call may have been forwarded by another node; the call to this connection was not.
        inner.isForwarded = false
        inner.timeLimit = max(deadline.remaining, .zero)
        return inner
    }

    // MARK: The guard

    /// Has every call judged before any is made, and asks a person once if a confirmation is needed.
    private func cleared(_ call: SetFolder.Call, waiting: [SetFolder.Member]) async throws(MMError) -> JointClearance {
        // A dry run sends only reads.
        guard several.isGuarded, call.arguments["dryRun"] != true, context.planning == nil else { return .forReads }
        let clearance = JointClearance()
        let errors = await waiting.concurrentMap(atOnce: several.atOnce) { await judge($0, call, clearance) }
            .compactMap(\.self)
        if let refusal = clearance.refusal() { throw refusal }
        // If no call reaches the guard because of invalid input, the call itself is invalid.
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

    /// - Returns: the error of a call that doesn't reach the guard.
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
        let resuming = "\(operation.declaration.commandLine) --resume \(folder.name)"
        let channel = RowChannel()
        let flow = HeldFlow(task: Task { await work.run(into: channel) }, channel: channel)
        let stream = ItemStream(end: { report.end(resuming: resuming) }) { () async throws(MMError) in
            try await flow.next()
        }
        let count = call.members.count
        let note =
            "\(count.counted("connection")). To continue it after an interruption: \(resuming)"
        // A model reads notes when the call is over: a whole answer can't be continued, and the end names what failed.
        let isReadAtTheEnd = context.caller.surface == .mcp
        var answer = OperationAnswer(.items(stream), notes: isReadAtTheEnd ? [] : [note])
        answer.delivery = Delivery { () async throws(MMError) in try await report.settle() }
        return answer
    }
}

/// Makes the calls of one call concurrently, as many at once as the operation and the tenants allow. The rows of a
/// connection are stored as they arrive, and passed to the reader when they are complete: a call that fails halfway
/// gives no rows, and memory only holds a piece of each answer.
struct SideBySideWork: Sendable {
    private let whole: SideBySideCall
    private let call: SetFolder.Call
    private let folder: SetFolder
    private let clearance: JointClearance
    private let report: SideBySideReport
    /// The number of bytes of rows that are collected before they are stored.
    private static let piece = 256 << 10

    private struct Finished: Sendable {
        let index: Int
        let outcome: Result<SetFolder.End, MMError>
    }

    init(
        of whole: SideBySideCall, call: SetFolder.Call, folder: SetFolder, clearance: JointClearance,
        report: SideBySideReport
    ) {
        self.whole = whole
        self.call = call
        self.folder = folder
        self.clearance = clearance
        self.report = report
    }

    /// Makes the calls.
    /// - Parameter channel: receives the rows.
    func run(into channel: RowChannel) async {
        do throws(MMError) {
            let lock = try folder.lock()
            try await work(into: channel)
            if Task.isCancelled { throw MMError(.cancelled, "Cancelled.") }
            if report.isWhole { folder.remove() }
            _ = consume lock
            channel.finish(.success(()))
        } catch {
            channel.finish(.failure(error))
        }
    }

    private func work(into channel: RowChannel) async throws(MMError) {
        let start = try? await journal.position()
        var waiting: [Int] = []
        for index in call.members.indices {
            let name = call.members[index].name
            if let end = folder.end(of: index) {
                try await emit(index, end, into: channel)
                report.ends(name, end)
            } else if folder.hasBegun(index) {
                report.fails(name, Self.unknownOutcome)
            } else {
                waiting.append(index)
            }
        }
        let failure = await withTaskGroup(of: Finished.self) { group -> MMError? in
            var running: [String: Int] = [:]
            var count = 0
            var failure: MMError?
            while true {
                while count < whole.several.atOnce, failure == nil, !Task.isCancelled,
                    let place = waiting.firstIndex(where: { running[key($0)] ?? 0 < perTenant })
                {
                    let index = waiting.remove(at: place)
                    running[key(index), default: 0] += 1
                    count += 1
                    report.begins(call.members[index].name)
                    group.addTask {
                        let outcome = await Result { () async throws(MMError) in
                            try await perform(index, since: start)
                        }
                        return Finished(index: index, outcome: outcome)
                    }
                }
                guard let finished = await group.next() else { return failure }
                count -= 1
                running[key(finished.index), default: 1] -= 1
                failure = await take(finished, into: channel) ?? failure
                if failure != nil { group.cancelAll() }
            }
        }
        if let failure { throw failure }
    }

    private var perTenant: Int { SeveralConnections.atOncePerTenant }

    /// Returns the key of a connection's tenant; an entry without a tenant counts as a tenant of its own.
    private func key(_ index: Int) -> String {
        let member = call.members[index]
        return member.tenant.isEmpty ? "/\(member.name)" : member.tenant.lowercased()
    }

    /// - Returns: an error after which further calls are pointless.
    private func take(_ finished: Finished, into channel: RowChannel) async -> MMError? {
        let name = call.members[finished.index].name
        switch finished.outcome {
        case .success(let end):
            do throws(MMError) {
                try await emit(finished.index, end, into: channel)
            } catch {
                return error
            }
            report.ends(name, end)
        case .failure(let error): report.fails(name, error)
        }
        return nil
    }

    private func emit(_ index: Int, _ end: SetFolder.End, into channel: RowChannel) async throws(MMError) {
        for part in 0..<end.parts { await channel.send(try folder.rows(part: part, of: index)) }
    }

    // MARK: One connection

    /// - Parameter start: the journal's end when the calls began.
    private func perform(_ index: Int, since start: ChangeJournal.Position?) async throws(MMError) -> SetFolder.End {
        let member = call.members[index]
        // A change that is never begun must not count as one of unknown outcome, which nobody would go on with.
        try whole.deadline.check("the call to \(member.name) waited for its turn; nothing was sent")
        let now = await whole.tenant(of: member.name)
        // A faulty entry has no tenant; its call reports the fault.
        guard now == nil || now == member.tenant else {
            throw MMError(
                .conflict, "The connection's tenant has changed since the call began: nothing was sent.",
                hint: "Make a new call.")
        }
        let changes = clearance.changes(member.name)
        if changes { try folder.begin(index) }
        do throws(MMError) {
            return try await keep(try await answer(member), of: index)
        } catch {
            if changes, await !Self.mayHaveChanged(member.name, error, in: { await written(since: start) }) {
                folder.fail(index)
            }
            throw error
        }
    }

    private var journal: ChangeJournal { whole.service.services.requestServices.journal }

    /// Returns the writes of this call in this run; `nil` where they can't be read. An earlier run has written nothing
    /// to a connection that is asked again, and hundreds of connections may refuse: none of them reads the journal of
    /// months.
    private func written(since start: ChangeJournal.Position?) async -> [JournalEntry]? {
        guard let start else { return nil }
        return try? await journal.entries(behind: start).filter { $0.isOf(call: whole.record.call) }
    }

    /// Returns whether a call that failed may have changed something of a connection: by a write without an answer, or
    /// by one before the write that was refused.
    /// - Parameter written: reads the writes of the call; only a refusal is worth reading the journal.
    static func mayHaveChanged(
        _ connection: String, _ error: MMError, in written: () async -> [JournalEntry]?
    ) async -> Bool {
        guard error.isRefusal, let written = await written() else { return true }
        return written.contains { $0.connection == connection && $0.outcome != .refused }
    }

    private func answer(_ member: SetFolder.Member) async throws(MMError) -> OperationAnswer {
        let (service, arguments, context) = (
            whole.service, whole.arguments(call, member.name), whole.context(clearance)
        )
        // Another node may hold the connection's lease; a partner's customers have no leases of their own.
        guard let leases = service.services.leases,
            let leased = service.services.leased(whole.operation, arguments, in: context)
        else { return try await service.perform(whole.operation, arguments, context) }
        return try await leases.answer(whole.operation, arguments, in: context, of: leased, by: service)
    }

    private func keep(_ answer: OperationAnswer, of index: Int) async throws(MMError) -> SetFolder.End {
        let member = call.members[index]
        let row = TenantRow(connection: member.name, tenant: member.tenant)
        var end = SetFolder.End(notes: answer.notes.filter { $0 != EngineRemark.native }, exitStatus: answer.exitStatus)
        end.errors = answer.errors
        end.isForeign = answer.isForeign
        var held: [UInt8] = []
        func add(_ items: [JSONValue]) throws(MMError) {
            for item in items {
                held += JSONWriter.bytes(.object(row.tagged(item)))
                held.append(0x0A)
                end.rows += 1
                if held.count >= Self.piece { try flush() }
            }
        }
        func flush() throws(MMError) {
            guard !held.isEmpty else { return }
            try folder.keep(held, part: end.parts, of: index)
            end.parts += 1
            held.removeAll(keepingCapacity: true)
        }
        if let stream = answer.body.stream {
            while let batch = try await stream.next() {
                for item in batch { try add([try JSONValue(ofService: item)]) }
            }
            let last = stream.end()
            end.notes += last.notes
            end.errors += last.errors
            end.exitStatus = last.exitStatus ?? end.exitStatus
            end.isForeign = end.isForeign || last.isForeign
        } else {
            try add(try TenantRow.items(of: answer.body, columns: answer.columns, member: whole.several.rows))
            if answer.body.isFirstPage {
                end.notes.append("Only the first rows are shown. For all rows, add --all.")
            }
        }
        if let missing = answer.missing {
            if !end.notes.contains(missing) { end.notes.append(missing) }
            end.errors.append(ReportedError(missing))
        }
        try flush()
        try folder.finish(index, end)
        if let delivery = answer.delivery { report.waits(delivery) }
        return end
    }

    private static let unknownOutcome = MMError(
        .conflict, "The call was interrupted during a change: it is unknown whether the change was made.",
        hint: "It isn't sent again. Check the object, then repeat the call for this connection only if necessary.")
}

/// Adds the connection and its tenant to each row where the row is made, so that no later step can confuse them.
struct TenantRow: Sendable {
    /// The connection.
    let connection: String
    /// Its tenant, by id where that is known.
    let tenant: String

    /// Returns a row with its connection and tenant. The row's own members of these names, if different, are kept as
    /// `_connection` and `_tenant`.
    func tagged(_ item: JSONValue) -> JSONObject {
        var row: JSONObject = ["connection": .string(connection), "tenant": .string(tenant)]
        guard let object = item.object else {
            row["value"] = item
            return row
        }
        for (key, value) in object {
            guard let own = row[key], key == "connection" || key == "tenant" else {
                row[key] = value
                continue
            }
            if own != value { row["_" + key] = value }
        }
        return row
    }

    /// Returns the rows of an answer that isn't a stream.
    /// - Parameters:
    ///   - body: the answer.
    ///   - columns: the columns of the operation.
    ///   - member: the member whose items are the rows, where the operation names one.
    /// - Throws: `unsupported` for bytes, which have no rows.
    static func items(
        of body: OperationAnswer.Body, columns: [String], member: String?
    ) throws(MMError) -> [JSONValue] {
        let value: JSONValue
        switch body {
        case .value(let given): value = given
        case .json(let bytes): value = try JSONValue(ofService: bytes)
        case .text(let text): return [["text": .string(text)]]
        case .bytes(let bytes, let type):
            throw MMError(
                .unsupported, "The answer is \(bytes.count) bytes of \(type), which have no rows.",
                hint: "Call one connection only.")
        case .items, .output: return []
        }
        if let member, let items = value[member]?.array { return items }
        // An answer that has the columns itself is a single row, even if it contains lists.
        if columns.contains(where: { value[$0] != nil && value[$0]?.array == nil }) { return [value] }
        return Rows(of: value, columns: columns)?.items ?? [value]
    }
}

/// The way in which an operation runs for several connections in one call. Declaring it is all that an operation needs:
/// its calls are made separately and concurrently, and their answers become the rows of one answer.
package struct SeveralConnections: Sendable {
    /// The member of an answer whose items are rows; `nil` for its own list, or for a single row where it has none.
    package var rows: String?
    /// Whether its calls pass the guard, which judges all of them before the first is sent.
    package var isGuarded = false
    /// The maximum number of concurrent calls.
    package var atOnce = 100
    /// The arguments that are only allowed with a single connection.
    package var alone: [String] = []
    /// The argument that names a folder, in which each connection gets a folder of its own.
    package var folder: String?
    /// Additional arguments of each call, such as the form in which an answer has rows.
    package var arguments: JSONObject = [:]

    /// The maximum number of concurrent calls to one tenant, since services throttle by tenant.
    fileprivate static let atOncePerTenant = 4
}

extension OperationDeclaration {
    /// Returns the declaration with support for several connections.
    func forSeveral(_ several: SeveralConnections) -> OperationDeclaration {
        var copy = self
        copy.severalConnections = several
        return copy
    }
}

extension InputField {
    /// The argument that resumes a call for several connections.
    static let resume = InputField(
        "resume", .text,
        "ID (set_…) of a call to continue, alone.")
}
