import MMCore
import MMOperations

/// The operations behind a router: each is carried out by the pool of the connection that it names, so that front-ends
/// find with isolated pools what they find with one pool.
struct IsolatedOperationService: OperationService {
    let catalogue: Catalogue
    private let router: IsolatedRouter
    /// Carries out what concerns the owner's registry, rules and audit log: those are the router's.
    private let own: LocalOperationService

    /// The operations of a router.
    init(router: IsolatedRouter, services: OperationServices) {
        self.router = router
        own = LocalOperationService(services: services)
        catalogue = own.catalogue
    }

    /// Has one operation carried out where it belongs.
    /// - Throws: the error of the operation; `unsupported` for shells, which belong to no connection.
    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        let declaration = operation.declaration
        guard declaration.toolset == .m365 else {
            throw MMError(
                .unsupported,
                "`\(declaration.name)` is not offered by isolated pools: shells belong to no connection.",
                hint: "Leave --pool, MM_SESSION_POOL_URL and PWSH_MANAGER_URL out: the shell runs beside you then.")
        }
        if let group = declaration.command.first, ["connections", "guard"].contains(group) {
            return try await own.call(operation, arguments, in: context)
        }
        // The log of a connection's own pool is not the router's, where its entry was made and changed.
        if let connection = arguments["connection"]?.string, declaration.name != "audit_show" {
            let pool = try await router.pool(connection, for: context.caller.server)
            return try await pool.call(operation, arguments, in: context)
        }
        if let answer = try await records.answer(to: operation, arguments, in: context) { return answer }
        switch declaration.name {
        case "status":
            return try await gathered(
                .value(["sessions": []], columns: PoolOverview.columns), of: operation, in: context, naming: "sessions")
        case "sessions", "jobs":
            let start = try await own.call(operation, arguments, in: context)
            return try await gathered(start, of: operation, in: context)
        case "output", "confirm": return try await found(operation, arguments, in: context)
        default: return try await own.call(operation, arguments, in: context)
        }
    }

    private var records: IsolatedRecords { IsolatedRecords(router: router, own: own) }

    func forget(_ client: CallContext) async {
        await own.forget(client)
        await withTaskGroup(of: Void.self) { group in
            for (_, pool) in await router.running(for: client.caller.server) {
                group.addTask { await pool.forget(client) }
            }
        }
    }

    /// The rows of every pool that runs; one that does not answer is a note, and holds up no other.
    /// - Parameters:
    ///   - start: what there is to say without any pool.
    ///   - list: where a row stands for a connection whose pool does not run; `nil`: nowhere.
    private func gathered(
        _ start: OperationAnswer, of operation: AnyOperation, in context: CallContext, naming list: String? = nil
    ) async throws(MMError) -> OperationAnswer {
        var answer = start
        guard case .value(var value) = start.body else { return start }
        var call = context
        call.timeLimit = min(context.timeLimit, .seconds(20))
        let pools = await router.running(for: call.caller.server)
        let parts = await withTaskGroup(of: (String, Result<OperationAnswer, MMError>).self) { [call] group in
            for (connection, pool) in pools {
                // A container may see the whole registry; it speaks for its own connection.
                let arguments: JSONObject = list == nil ? [:] : ["connection": .string(connection)]
                group.addTask {
                    let part = await Result { () async throws(MMError) in
                        try await pool.call(operation, arguments, in: call)
                    }
                    return (connection, part)
                }
            }
            var parts: [String: Result<OperationAnswer, MMError>] = [:]
            for await (connection, result) in group { parts[connection] = result }
            return parts
        }
        for (connection, result) in parts.sorted(by: { $0.key < $1.key }) {
            switch result {
            case .success(let part): if case .value(let more) = part.body { Self.add(more, to: &value) }
            case .failure(let error): answer.notes.append("\(connection): \(error.message)")
            }
        }
        if let list { try await addSleeping(to: &value, list, besides: Set(pools.map(\.0)), for: call.caller.server) }
        answer.body = .value(value)
        return answer
    }

    /// Adds a row for each connection whose pool does not run.
    private func addSleeping(
        to value: inout JSONValue, _ list: String, besides running: Set<String>, for server: String?
    ) async throws(MMError) {
        guard var object = value.object else { return }
        var rows = object[list]?.array ?? []
        for (connection, isReturning) in try await router.sleeping(besides: running, for: server) {
            rows.append([
                "session": .string(connection), "connection": .string(connection),
                "state": .string(isReturning ? "restoring" : "its pool does not run"),
            ])
        }
        object[list] = .array(rows)
        value = .object(object)
    }

    /// The first answer of a pool that knows what is asked for; handles and codes name no connection.
    private func found(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        try await own.answer(
            after: await router.running(for: context.caller.server), to: operation, arguments, in: context)
    }

    /// Lists grow by the other's rows, counters by the other's counts.
    private static func add(_ more: JSONValue, to value: inout JSONValue) {
        switch (value, more) {
        case (.array(let rows), .array(let others)): value = .array(rows + others)
        case (.int(let count), .int(let other)): value = .int(count + other)
        case (.object(var members), .object(let others)):
            for (key, other) in others {
                var member = members[key] ?? other
                if members[key] != nil { add(other, to: &member) }
                members[key] = member
            }
            value = .object(members)
        default: break
        }
    }
}
