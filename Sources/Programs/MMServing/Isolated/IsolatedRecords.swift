import MMCore
import MMOperations

/// What the pools of single connections have written down, each in its own files: journal, audit log, snapshots. A router that looked
/// into its own files alone would say that nothing happened.
struct IsolatedRecords: Sendable {
    let router: IsolatedRouter
    /// Carries out the router's own part.
    let own: LocalOperationService

    /// Operations that list what every pool has written down.
    private static let lists: Set<String> = ["undo_list", "history", "snapshot_list", "audit_show"]
    /// How many pools are asked at a time: one that does not run is started for it.
    private static let width = 4

    /// The answer to an operation that names no connection; `nil` for one that isn't about records.
    func answer(
        to operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer? {
        switch operation.declaration.name {
        case let name where Self.lists.contains(name): return try await list(operation, arguments, in: context)
        case "audit_verify": return try await verified(operation, arguments, in: context)
        case "undo_show": return try await found(operation, arguments, in: context)
        case "undo" where arguments["id"]?.string != nil: return try await found(operation, arguments, in: context)
        case "undo": return try await undone(operation, arguments, in: context)
        case "snapshot_show", "snapshot_diff":
            guard let name = connection(of: arguments, for: context.caller.server) else { return nil }
            return try await router.pool(name, for: context.caller.server).call(operation, arguments, in: context)
        default: return nil
        }
    }

    /// The connection whose snapshots a call is about; `nil` where it names none, or two.
    private func connection(of arguments: JSONObject, for server: String?) -> String? {
        var found: Set<String> = []
        for text in ["snapshot", "before", "after"].compactMap({ arguments[$0]?.string }) {
            guard let snapshot = try? own.services.registry.snapshot() else { return nil }
            let name = text.lastIndex(of: "@").map { String(text[..<$0]) } ?? text
            guard let connection = try? snapshot.connection(named: name, for: server) else { return nil }
            found.insert(connection.name)
        }
        return found.count == 1 ? found.first : nil
    }

    private typealias Part = (name: String, result: Result<OperationAnswer, MMError>)

    /// What every pool says that has written something down.
    private func parts(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async -> [Part] {
        let pools = await router.holding(for: context.caller.server)
        return await withTaskGroup(of: Part.self) { group in
            var parts: [Part] = []
            for (turn, (name, pool)) in pools.enumerated() {
                if turn >= Self.width, let part = await group.next() { parts.append(part) }
                group.addTask {
                    let result = await Result { () async throws(MMError) in
                        try await pool.call(operation, arguments, in: context)
                    }
                    return (name, result)
                }
            }
            for await part in group { parts.append(part) }
            return parts.sorted { $0.name < $1.name }
        }
    }

    /// The rows of all, the newest as far as the caller wants them.
    private func list(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        var answer = try await own.call(operation, arguments, in: context)
        var rows = Self.rows(answer)
        var texts = rows.isEmpty ? [] : [answer.text].compactMap(\.self)
        var (notes, failed) = ([String](), [String]())
        for (name, result) in await parts(operation, arguments, in: context) {
            switch result {
            case .success(let part):
                let more = Self.rows(part)
                rows += more
                if !more.isEmpty, let text = part.text { texts.append(text) }
                if more.isEmpty { notes += part.notes }
            case .failure(let error): failed.append("\(name): \(error.message)")
            }
        }
        // The log's newest line stands last, the journal's newest change first.
        let isForward = operation.declaration.name == "audit_show"
        if rows.contains(where: { $0["time"] != nil }) {
            rows.sort { ($0["time"]?.string ?? "") < ($1["time"]?.string ?? "") }
            if !isForward { rows.reverse() }
            let last = arguments["last"]?.int ?? 50
            rows = isForward ? Array(rows.suffix(last)) : Array(rows.prefix(last))
        }
        answer.body = .value(.array(rows))
        answer.text = texts.isEmpty ? nil : texts.joined(separator: "\n")
        if !rows.isEmpty { answer.notes = [] } else if answer.notes.isEmpty { answer.notes = Array(notes.prefix(1)) }
        if !failed.isEmpty {
            let text = "Not looked at: \(failed.joined(separator: "; "))"
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

    /// Whether the chains of all are whole: the router's own and that of every pool.
    private func verified(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        var answer = try await own.call(operation, arguments, in: context)
        guard case .value(let router) = answer.body, var whole = router.object else { return answer }
        var logs: [JSONValue] = [Self.log(of: nil, whole)]
        for (name, result) in await parts(operation, arguments, in: context) {
            let part: OperationAnswer
            do throws(MMError) { part = try result.get() } catch {
                var named = error
                named.message = "\(name): \(error.message)"
                throw named
            }
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

    /// What was found of one log; that of the router has no connection.
    private static func log(of connection: String?, _ found: JSONObject) -> JSONValue {
        var row: JSONObject = ["connection": connection.map { .string($0) } ?? .null]
        for (key, value) in found { row[key] = value }
        return .object(row)
    }

    /// The answer of the pool that has written down what is asked for.
    private func found(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        try await own.answer(
            after: await router.holding(for: context.caller.server), to: operation, arguments, in: context)
    }

    /// What several pools have taken back, one after the other.
    private func undone(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        var whole: OperationAnswer?
        var (rows, refusal): ([JSONValue], MMError?) = ([], nil)
        for (name, pool) in await router.holding(for: context.caller.server) {
            do throws(MMError) {
                let part = try await pool.call(operation, arguments, in: context)
                rows += Self.rows(part)
                guard var sum = whole else {
                    whole = part
                    continue
                }
                sum.notes += part.notes
                sum.missing = [sum.missing, part.missing].compactMap(\.self).first
                sum.text = [sum.text, part.text].compactMap(\.self).joined(separator: "\n")
                sum.columns = ["connection", "id", "change"] + sum.columns.suffix(1)
                whole = sum
            } catch {
                // What was undone before is told with what was not.
                guard error.code != .notFound else {
                    refusal = refusal ?? error
                    continue
                }
                guard var sum = whole else { throw error }
                let text = "\(name): \(error.message)"
                sum.notes.append(text)
                sum.missing = text
                sum.body = .value(.array(rows))
                return sum
            }
        }
        guard var whole else {
            if let refusal { throw refusal }
            return try await own.call(operation, arguments, in: context)
        }
        whole.body = .value(.array(rows))
        return whole
    }
}
