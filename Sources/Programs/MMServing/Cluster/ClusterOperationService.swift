import MMCore
import MMOperations
import MMPool
import MMSessions
import MMSystem

/// The operations of a cluster: a call that names a connection is carried out once, by the node that holds the
/// connection's lease, whichever node receives it.
struct ClusterOperationService: OperationService {
    let catalogue: Catalogue
    private let local: LocalOperationService
    private let member: ClusterMember
    private let work: ClusterWork

    init(_ local: LocalOperationService, _ member: ClusterMember) {
        catalogue = local.catalogue
        self.local = local
        self.member = member
        work = ClusterWork(local, member)
    }

    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        if operation.declaration.keeper == .each, !context.isForwarded {
            return try await ClusterJobs(
                operation: operation, arguments: arguments, context: context, local: local, member: member
            ).answer()
        }
        let arguments = await local.services.naming(operation, arguments, in: context)
        let answer = try await carriedOut(operation, arguments, in: context)
        await work.remember(answer, of: operation, arguments, in: context)
        return answer
    }

    private func carriedOut(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        guard let connection = local.services.leased(operation, arguments, in: context) else {
            var answer = try await unleased(operation, arguments, context)
            if operation.declaration.keeper == .eachConnection, context.caller.server == nil {
                answer.notes.append(await member.line())
            }
            return answer
        }
        var context = context
        if context.callID == nil { context.callID = "mm-\(RandomBytes.text(bytes: 15))" }
        let call = ClusterCall(
            operation: operation, arguments: arguments, context: context, connection: connection, local: local,
            member: member)
        return try await call.answer()
    }

    func forget(_ client: CallContext) async {
        await local.forget(client)
        guard client.sessionID != nil, !client.isForwarded else { return }
        for node in await others() { await node.service.forget(client) }
    }

    /// Carries out a call that needs no lease. A handle, or the rest of a call for several connections, may be known to
    /// another node only, so the other nodes are asked if this one doesn't know it.
    private func unleased(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let resumes = operation.declaration.severalConnections != nil && arguments["resume"]?.string != nil
        guard resumes || operation.declaration.keeper == .handle, !context.isForwarded else {
            return try await local.call(operation, arguments, in: context)
        }
        do throws(MMError) {
            return try await local.call(operation, arguments, in: context)
        } catch {
            guard error.code == .notFound else { throw error }
            if operation.declaration.keeper == .handle,
                let answer = try await work.answer(operation, arguments, in: context, unknown: error)
            {
                return answer
            }
            var sent = context
            sent.isForwarded = true
            var silent: [String] = []
            for node in await others() {
                guard node.isAlive else {
                    silent.append(node.address)
                    continue
                }
                do throws(MMError) {
                    return try await node.service.call(operation, arguments, in: sent)
                } catch {
                    guard error.code == .notFound || error.isOfLeavingPool else { throw error }
                }
            }
            guard !silent.isEmpty else { throw error }
            var told = error
            told.message +=
                " It may have been lost with the node at \(silent.joined(separator: ", ")), which does not answer."
            throw told
        }
    }

    private func others() async -> [(address: String, isAlive: Bool, service: RemoteOperationService)] {
        let nodes = (try? await member.directory.all()) ?? []
        return nodes.filter { $0.id != member.id }.compactMap { node in
            guard let service = try? member.node(at: node.address, catalogue: catalogue) else { return nil }
            return (node.address, node.isAlive, service)
        }
    }
}

/// `jobs` and `sessions` in a cluster: those of all nodes, including jobs of nodes that have gone.
struct ClusterJobs: Sendable {
    let operation: AnyOperation
    let arguments: JSONObject
    let context: CallContext
    let local: LocalOperationService
    let member: ClusterMember

    /// The member of the answer that holds the rows.
    private var list: String { operation.declaration.listMember ?? "rows" }
    private var areJobs: Bool { list == JobRow.list }

    /// The pause between two looks at the nodes while a client watches.
    private static let interval = Duration.seconds(1)
    /// How long to wait for a node's answer.
    private static let patience = Duration.seconds(5)

    func answer() async throws(MMError) -> OperationAnswer {
        guard try Jobs.watches(operation, arguments) else { return try await all(arguments) }
        return try await Jobs.watched(every: Self.interval, until: .after(context.timeLimit), in: context) {
            // Each node answers at once; the watch is here.
            () async throws(MMError) in try await all([:])
        }
    }

    private func all(_ arguments: JSONObject) async throws(MMError) -> OperationAnswer {
        var sent = context
        sent.isForwarded = true
        sent.timeLimit = Self.patience
        let own = try await local.call(operation, arguments, in: sent)
        var rows = rows(own, at: member.options.address)
        var notes = own.notes
        let nodes: [NodeDirectory.Node]
        do throws(MMError) { nodes = try await member.directory.all() } catch {
            notes.append("\(error.message) Only the \(list) of this node are shown.")
            return answer(rows, own, notes, columns: own.columns)
        }
        var answered: Set<String> = [member.id]
        let others = nodes.filter { $0.id != member.id && $0.isAlive }
        for (node, found) in zip(others, await others.concurrentMap { [sent] in await asked($0, sent) }) {
            if let found {
                rows += found
                answered.insert(node.id)
            } else {
                notes.append("The node at \(node.address) does not answer.")
            }
        }
        let alive = Set(nodes.filter(\.isAlive).map(\.id)).union(answered)
        if areJobs, let entries = try? await member.work?.jobs() {
            let owners = OperationJobs.reachableOwners(of: context)
            for entry in entries where !answered.contains(entry.node) && owners?.contains(entry.owner) ?? true {
                rows.append(.object(Self.row(entry, isGone: !alive.contains(entry.node)).json))
            }
        }
        func text(_ row: JSONValue, _ name: String) -> String { row[name]?.string ?? "" }
        rows.sort { (text($0, "started"), text($1, "session")) > (text($1, "started"), text($0, "session")) }
        // This node's notes, such as that nothing runs here, say nothing about the other nodes.
        if !rows.isEmpty { notes.removeAll(where: own.notes.contains) }
        return answer(rows, own, notes, columns: own.columns + ["node"])
    }

    /// Returns this node's answer with the rows of all nodes.
    private func answer(
        _ rows: [JSONValue], _ own: OperationAnswer, _ notes: [String], columns: [String]
    ) -> OperationAnswer {
        var value = JSONObject()
        if case .value(let whole) = own.body { value = whole.object ?? [:] }
        value[list] = .array(rows)
        return .value(.object(value), notes: notes, columns: columns)
    }

    private func asked(_ node: NodeDirectory.Node, _ sent: CallContext) async -> [JSONValue]? {
        guard let service = try? member.node(at: node.address, catalogue: local.catalogue) else { return nil }
        let outcome = OneShot<[JSONValue]?>()
        let call = Task { [operation] in
            outcome.resolve((try? await service.call(operation, [:], in: sent)).map { rows($0, at: node.address) })
        }
        defer { call.cancel() }
        return await withTaskCancellationHandler {
            await outcome.wait(until: .after(Self.patience), late: nil)
        } onCancel: {
            call.cancel()
        }
    }

    private func rows(_ answer: OperationAnswer, at address: String) -> [JSONValue] {
        guard case .value(let value) = answer.body else { return [] }
        return (value[list]?.array ?? []).map { row in
            var row = row.object ?? [:]
            row["node"] = .string(address)
            return .object(row)
        }
    }

    /// Returns the row for a job of a node that can't be asked.
    private static func row(_ entry: WorkDirectory.Entry, isGone: Bool) -> JobRow {
        let state = entry.state ?? .running
        let isLost = isGone && state == .running
        var row = JobRow(entry.handle, entry.operation ?? "", isLost ? nil : state)
        row.started = Timestamp(iso8601: entry.started)
        row.node = entry.address
        row.progress =
            isLost ? "lost with its node" + (entry.isReading ? "" : ": its outcome is unknown") : entry.summary
        return row
    }
}
