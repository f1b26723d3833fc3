import MMCore
import MMOperations

/// The records that the pools of single connections keep in their own files: journal, audit log, snapshots. The router
/// has to ask the pools for them, because its own files don't contain them.
struct IsolatedRecords: Sendable {
    let router: IsolatedRouter
    /// Carries out the router's own part.
    let own: LocalOperationService

    /// How many pools are asked at the same time: a pool that doesn't run is started for it.
    private static let width = 4

    /// Answers an operation on records.
    func answer(
        to operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        switch operation.declaration.keeper {
        case .records(let usual):
            return try await list(operation, arguments, usual, isNewestLast: false, in: context)
        case .log(let usual): return try await list(operation, arguments, usual, isNewestLast: true, in: context)
        case .everyLog: return try await verified(operation, arguments, in: context)
        case .changes(let argument) where arguments[argument]?.string == nil:
            return try await undone(operation, arguments, in: context)
        case .record, .changes: return try await found(operation, arguments, in: context)
        case .snapshots(let names):
            guard let name = connection(of: names.compactMap { arguments[$0]?.string }, for: context.caller.server)
            else { break }
            let pool = try await router.pool(name, for: context.caller.server)
            return try await own.answer(after: [(name, pool)], to: operation, arguments, in: context)
        case .any, .owner, .each, .eachConnection, .handle, .confirmation: break
        }
        return try await own.call(operation, arguments, in: context)
    }

    /// Returns the connection that some snapshots are of; `nil` if there is none, or if they are of two.
    private func connection(of snapshots: [String], for server: String?) -> String? {
        var found: Set<String> = []
        for text in snapshots {
            guard let snapshot = try? own.services.registry.snapshot() else { return nil }
            let name = text.lastIndex(of: "@").map { String(text[..<$0]) } ?? text
            guard let connection = try? snapshot.connection(named: name, for: server) else { return nil }
            found.insert(connection.name)
        }
        return found.count == 1 ? found.first : nil
    }

    typealias Part = (name: String, result: Result<OperationAnswer, MMError>)

    /// Returns the answers of the pools that have records: of all, or of the one whose connection the call names.
    private func parts(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async -> [Part] {
        let named = arguments["connection"]?.string
        let pools = await router.holding(for: context.caller.server).filter { named == nil || $0.0 == named }
        return await pools.concurrentMap(atOnce: Self.width) { name, pool in
            let result = await Result { () async throws(MMError) in
                try await pool.call(operation, arguments, in: context)
            }
            return (name, result)
        }
    }

    /// Combines the rows of all pools; returns the newest, as many as the caller wants.
    /// - Parameter usual: the number of rows of a call that doesn't say it with `last`; `nil` for an operation that
    ///   always lists all.
    private func list(
        _ operation: AnyOperation, _ arguments: JSONObject, _ usual: Int?, isNewestLast: Bool, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let reader = try InputReader(
            operation: operation.declaration.name, arguments: arguments, fields: operation.fields)
        // A list that always has all rows has no argument for their number.
        let most = usual == nil ? nil : try reader.integer("last") ?? usual
        let start = try await own.call(operation, arguments, in: context)
        let parts = await self.parts(operation, arguments, in: context)
        return Self.joined(
            start, parts, most: most, isNewestLast: isNewestLast, text: operation.declaration.textOfRows)
    }

    /// Joins the list of the router and those of the pools, each with its notes. What every empty list says, that
    /// nothing was found, is said once, and only if all are empty.
    /// - Parameters:
    ///   - most: the number of newest rows to keep; `nil` for all.
    ///   - text: returns the text of the rows; `nil` if they are shown as a table.
    static func joined(
        _ own: OperationAnswer, _ parts: [Part], most: Int?, isNewestLast: Bool, text: (([JSONValue]) -> String)? = nil
    ) -> OperationAnswer {
        var lists = [(origin: "", answer: own, rows: rows(own))]
        var failed: [String] = []
        for (name, result) in parts {
            switch result {
            case .success(let answer): lists.append(("\(name): ", answer, rows(answer)))
            case .failure(let error): failed.append("\(name): \(error.message)")
            }
        }
        let empty = lists.filter(\.rows.isEmpty).map(\.answer.notes)
        let nothing = (empty.first ?? []).filter { note in empty.allSatisfy { $0.contains(note) } }
        var answer = own
        var rows = lists.flatMap(\.rows)
        answer.notes = rows.isEmpty ? nothing : []
        for list in lists {
            let notes = list.answer.notes.filter { !list.rows.isEmpty || !nothing.contains($0) }
            answer.notes += notes.map { list.origin + $0 }
        }
        if let most {
            rows.sort { ($0["time"]?.string ?? "") < ($1["time"]?.string ?? "") }
            rows = rows.suffix(most)
            if !isNewestLast { rows.reverse() }
        }
        answer.body = .value(.array(rows))
        answer.text = rows.isEmpty ? nil : text?(rows)
        if !failed.isEmpty {
            let text = "Not checked: \(failed.joined(separator: "; "))"
            answer.notes.append(text)
            answer.missing = text
        }
        return answer
    }

    private static func rows(_ answer: OperationAnswer) -> [JSONValue] {
        switch answer.body {
        case .value(let value): value.array ?? []
        case .json(let bytes): (try? JSONParser.parse(bytes))?.array ?? []
        default: []
        }
    }

    /// Verifies the hash chains of all audit logs: the router's own and those of the pools.
    private func verified(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        var answer = try await own.call(operation, arguments, in: context)
        guard case .value(let router) = answer.body, var whole = router.object else { return answer }
        var logs: [JSONValue] = [Self.log(of: nil, whole)]
        for (name, result) in await parts(operation, arguments, in: context) {
            let part: OperationAnswer
            do throws(MMError) { part = try result.get() } catch { throw error.about(name) }
            guard case .value(let value) = part.body, let found = value.object else { continue }
            logs.append(Self.log(of: name, found))
            for key in ["lines", "torn", "fullFiles"] {
                whole[key] = .int(Int64((whole[key]?.int ?? 0) + (found[key]?.int ?? 0)))
            }
            answer.notes += part.notes.map { "\(name): \($0)" }
        }
        whole["logs"] = .array(logs)
        answer.body = .value(.object(whole))
        return answer
    }

    /// Returns the result for one log; the router's log has no connection.
    private static func log(of connection: String?, _ found: JSONObject) -> JSONValue {
        var row: JSONObject = ["connection": connection.map { .string($0) } ?? .null]
        for (key, value) in found { row[key] = value }
        return .object(row)
    }

    /// Returns the answer of the pool that has the requested record.
    private func found(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        try await own.answer(
            after: await router.holding(for: context.caller.server), to: operation, arguments, in: context)
    }

    /// Undoes changes that several pools and this process have made, one after the other.
    private func undone(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        var (whole, refusal): (OperationAnswer?, MMError?) = (nil, nil)
        let pools: [(String, IsolatedPool?)] = await router.holding(for: context.caller.server).map { ($0.0, $0.1) }
        for (name, pool) in pools + [("router", nil)] {
            do throws(MMError) {
                let part =
                    if let pool {
                        try await pool.call(operation, arguments, in: context)
                    } else {
                        try await own.call(operation, arguments, in: context)
                    }
                whole = whole.map { Self.together($0, part) } ?? part
            } catch {
                // If a later pool fails, the answer reports both what was undone before and the failure.
                guard error.code != .notFound else {
                    refusal = refusal ?? error
                    continue
                }
                guard var sum = whole else { throw error }
                let text = "\(name): \(error.message)"
                sum.notes.append(text)
                sum.missing = text
                return sum
            }
        }
        guard let whole else { throw refusal ?? MMError(.internalError, "No journal was asked.") }
        return whole
    }

    /// Returns what was undone in one pool, and then in another one, as one answer. Rows are shown as a table if
    /// neither has a text for them.
    static func together(_ first: OperationAnswer, _ second: OperationAnswer) -> OperationAnswer {
        var sum = first
        sum.body = .value(.array(rows(first) + rows(second)))
        sum.notes += second.notes
        sum.missing = first.missing ?? second.missing
        let texts = [first.text, second.text].compactMap(\.self)
        sum.text = texts.isEmpty ? nil : texts.joined(separator: "\n")
        sum.columns = ["connection", "id", "change"] + first.columns.suffix(1)
        return sum
    }
}
