import MMCore

/// Calls the connections of one call side by side, as many at once as the operation and their tenants allow. The rows of a
/// connection are put aside as they come, and go to the reader when all of them are there: what fails in the middle leaves no
/// rows, and memory holds a piece of each answer alone.
struct SideBySideWork: Sendable {
    private let whole: SideBySideCall
    private let call: SetFolder.Call
    private let folder: SetFolder
    private let clearance: JointClearance
    private let report: SideBySideReport
    /// How many bytes of rows are gathered before they are put aside.
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
    /// - Parameter channel: takes the rows.
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
                        let outcome = await Result { () async throws(MMError) in try await perform(index) }
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

    /// What counts as one tenant: an entry that names none counts alone.
    private func key(_ index: Int) -> String {
        let member = call.members[index]
        return member.tenant.isEmpty ? "/\(member.name)" : member.tenant.lowercased()
    }

    /// - Returns: what makes all further work useless.
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

    private func perform(_ index: Int) async throws(MMError) -> SetFolder.End {
        let member = call.members[index]
        let now = await whole.tenant(of: member.name)
        // An entry with a fault has no tenant: its call says what is wrong.
        guard now == nil || now == member.tenant else {
            throw MMError(
                .conflict, "It names another tenant now than when the call began: nothing was sent.",
                hint: "Make the call anew.")
        }
        let changes = clearance.changes(member.name)
        if changes { try folder.begin(index) }
        do throws(MMError) {
            return try await keep(try await answer(member), of: index)
        } catch {
            // Of a change without an answer nobody knows what became.
            if changes, error.isRefusal { folder.fail(index) }
            throw error
        }
    }

    private func answer(_ member: SetFolder.Member) async throws(MMError) -> OperationAnswer {
        let (service, arguments, context) = (
            whole.service, whole.arguments(call, member.name), whole.context(clearance)
        )
        // Another node may hold its lease; the customers of a partner have none of their own.
        guard let leases = service.services.leases,
            let leased = service.services.leased(whole.operation, arguments, in: context)
        else { return try await service.perform(whole.operation, arguments, context) }
        return try await leases.answer(whole.operation, arguments, in: context, of: leased, by: service)
    }

    private func keep(_ answer: OperationAnswer, of index: Int) async throws(MMError) -> SetFolder.End {
        let member = call.members[index]
        let row = TenantRow(connection: member.name, tenant: member.tenant)
        var end = SetFolder.End(notes: answer.notes.filter { $0 != "engine: native" }, exitStatus: answer.exitStatus)
        end.errors = answer.errors
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
            while let batch = try await stream.next() { try add(try batch.map(Self.parsed)) }
            let last = stream.end()
            end.notes += last.notes
            end.errors += last.errors
            end.exitStatus = last.exitStatus ?? end.exitStatus
        } else {
            try add(try TenantRow.items(of: answer.body, columns: answer.columns, member: whole.several.rows))
            if TenantRow.isFirstPage(answer.body) {
                end.notes.append("These are the first rows. All of them: --all.")
            }
        }
        if let missing = answer.missing {
            if !end.notes.contains(missing) { end.notes.append(missing) }
            end.errors.append(ReportedError(missing))
        }
        try flush()
        try folder.finish(index, end)
        return end
    }

    private static func parsed(_ item: ArraySlice<UInt8>) throws(MMError) -> JSONValue {
        do throws(JSONError) { return try JSONParser.parse(item) } catch {
            throw MMError(.remoteFailed, "The service sent an item that isn't JSON: \(error).", hint: "Ask again.")
        }
    }

    private static let unknownOutcome = MMError(
        .conflict, "It broke off in the middle of a change: nobody knows whether it was carried out.",
        hint: "Look there, then make the call for this connection alone. It isn't sent again.")
}

/// Puts the connection and its tenant in front of each row, where the row is made: no later step could confuse them.
struct TenantRow: Sendable {
    /// The connection.
    let connection: String
    /// Its tenant, by its id where that is known.
    let tenant: String

    /// A row with its connection and tenant. Members of these names that say something else keep it under `_connection` and
    /// `_tenant`.
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

    /// The rows of an answer that is no stream.
    /// - Parameters:
    ///   - body: the answer.
    ///   - columns: those that the operation shows.
    ///   - member: the member whose items are the rows, where the operation names one.
    /// - Throws: `unsupported` for bytes, which have no rows.
    static func items(
        of body: OperationAnswer.Body, columns: [String], member: String?
    ) throws(MMError) -> [JSONValue] {
        let value: JSONValue
        switch body {
        case .value(let given): value = given
        case .json(let bytes):
            do throws(JSONError) { value = try JSONParser.parse(bytes) } catch {
                throw MMError(.remoteFailed, "The answer isn't JSON: \(error).", hint: "Ask again.")
            }
        case .text(let text): return [["text": .string(text)]]
        case .bytes(let bytes, let type):
            throw MMError(
                .unsupported, "The answer is \(bytes.count) bytes of \(type), which have no rows.",
                hint: "Ask one connection alone.")
        case .items, .output: return []
        }
        if let member, let items = value[member]?.array { return items }
        // An answer that has the columns itself is a row, whatever lists it holds.
        if columns.contains(where: { value[$0] != nil && value[$0]?.array == nil }) { return [value] }
        return Rows(of: value, columns: columns)?.items ?? [value]
    }

    /// Whether an answer is the first page of a list that goes on.
    static func isFirstPage(_ body: OperationAnswer.Body) -> Bool {
        guard case .json(let bytes) = body, let value = try? JSONParser.parse(bytes) else { return false }
        return value["@odata.nextLink"] != nil
    }
}
