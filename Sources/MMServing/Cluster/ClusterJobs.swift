import MMCluster
import MMCore
import MMOperations
import MMPoolWire
import MMSessions
import MMSystem

/// `jobs` in a cluster: those of all nodes, and those that went with one.
struct ClusterJobs: Sendable {
    let operation: AnyOperation
    let context: CallContext
    let local: LocalOperationService
    let member: ClusterMember

    /// How often they are looked at while somebody watches them.
    private static let interval = Duration.seconds(1)
    /// How long a node is waited for.
    private static let patience = Duration.seconds(5)

    func answer(watching: Bool) async throws(MMError) -> OperationAnswer {
        let deadline = Deadline.after(context.timeLimit)
        var told: String?
        while true {
            let answer = try await all()
            guard watching, deadline.remaining > Self.interval * 2, case .value(let value) = answer.body else {
                return answer
            }
            let running = (value["jobs"]?.array ?? []).filter { $0["state"]?.string == "running" }
            guard !running.isEmpty else { return answer }
            let text = running.map { "\($0["operation"]?.string ?? ""): \($0["progress"]?.string ?? "running")" }
                .joined(separator: " · ")
            if text != told { context.progress(ProgressReport(done: 0, message: text)) }
            told = text
            guard (try? await Task.sleep(for: Self.interval)) != nil else {
                throw MMError(.cancelled, "The watch was cancelled; the jobs keep running.")
            }
        }
    }

    private func all() async throws(MMError) -> OperationAnswer {
        var sent = context
        sent.isForwarded = true
        sent.timeLimit = Self.patience
        let own = try await local.call(operation, [:], in: sent)
        var rows = Self.rows(own, at: member.options.address)
        var notes = own.notes
        let nodes: [NodeDirectory.Node]
        do throws(MMError) { nodes = try await member.directory.all() } catch {
            notes.append("\(error.message) Only the jobs of this node are shown.")
            return .value(["jobs": .array(rows)], notes: notes, columns: own.columns)
        }
        var answered: Set<String> = [member.id]
        await withTaskGroup(of: (NodeDirectory.Node, [JSONValue]?).self) { group in
            for node in nodes where node.id != member.id && node.isAlive {
                group.addTask { [sent] in (node, await asked(node, sent)) }
            }
            for await (node, found) in group {
                if let found {
                    rows += found
                    answered.insert(node.id)
                } else {
                    notes.append("The node at \(node.address) does not answer.")
                }
            }
        }
        let alive = Set(nodes.filter(\.isAlive).map(\.id)).union(answered)
        if let entries = try? await member.work?.jobs() {
            let owners = OperationJobs.reachableOwners(of: context)
            for entry in entries where !answered.contains(entry.node) && owners?.contains(entry.owner) ?? true {
                rows.append(.object(Self.row(entry, isGone: !alive.contains(entry.node))))
            }
        }
        func start(_ row: JSONValue) -> String { row["started"]?.string ?? "" }
        rows.sort { start($0) > start($1) }
        return .value(["jobs": .array(rows)], notes: notes, columns: own.columns + ["node"])
    }

    private func asked(_ node: NodeDirectory.Node, _ sent: CallContext) async -> [JSONValue]? {
        guard let service = try? member.node(at: node.address, catalogue: local.catalogue) else { return nil }
        let outcome = OneShot<[JSONValue]?>()
        let call = Task { [operation] in
            outcome.resolve((try? await service.call(operation, [:], in: sent)).map { Self.rows($0, at: node.address) })
        }
        let timer = Task {
            try? await Task.sleep(for: Self.patience)
            outcome.resolve(nil)
        }
        defer {
            timer.cancel()
            call.cancel()
        }
        return await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            call.cancel()
        }
    }

    private static func rows(_ answer: OperationAnswer, at address: String) -> [JSONValue] {
        guard case .value(let value) = answer.body else { return [] }
        return (value["jobs"]?.array ?? []).map { row in
            var row = row.object ?? [:]
            row["node"] = .string(address)
            return .object(row)
        }
    }

    /// A job of a node that can't be asked.
    private static func row(_ entry: WorkDirectory.Entry, isGone: Bool) -> JSONObject {
        let isRunning = entry.state == nil || entry.state == JobReport.State.running.rawValue
        var row: JSONObject = [
            "job": .string(entry.handle), "operation": .string(entry.operation ?? ""),
            "started": .string(entry.started), "node": .string(entry.address),
            "state": .string(isRunning && isGone ? "gone" : entry.state ?? "running"),
        ]
        var text = entry.summary
        if isRunning, isGone {
            text = "went with its node" + (entry.isReading ? "" : ": whether it was done is unknown")
        }
        row["progress"] = text.map { .string($0) }
        return row
    }
}
