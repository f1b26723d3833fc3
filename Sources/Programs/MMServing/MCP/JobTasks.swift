import MMCore
import MMMCP
import MMOperations

/// The jobs of a server's clients as tasks of the protocol: a task's name is its job's handle, and what `output` and `jobs`
/// tell of the one is told of the other.
struct JobTasks: TaskStore {
    private let service: any OperationService
    private let calls: ClientCalls
    private let shaper: ToolAnswer

    /// How long a client that takes tasks is kept waiting for a result that may come soon.
    static let patience = Duration.seconds(5)

    /// Tasks over a service's jobs.
    /// - Parameters:
    ///   - service: carries out the operations that read and end jobs.
    ///   - calls: whose jobs they are.
    ///   - shaper: makes results of what came of them.
    init(service: any OperationService, calls: ClientCalls, shaper: ToolAnswer) {
        self.service = service
        self.calls = calls
        self.shaper = shaper
    }

    func task(_ id: String, for context: RequestContext) async throws(MMError) -> ToolTask {
        guard let row = try await rows(context).first(where: { $0["job"]?.string == id }) else {
            throw MMError(.notFound, "There is no such task.")
        }
        var task = Self.task(row)
        if case .completed = task.status { task.status = .completed(await result(of: id, context)) }
        return task
    }

    func tasks(for context: RequestContext) async throws(MMError) -> [ToolTask] {
        try await rows(context).map(Self.task)
    }

    func change(of known: ToolTask, for context: RequestContext) async throws(MMError) -> ToolTask {
        var call = calls.call(for: context)
        // Progress is looked for meanwhile.
        call.backgroundAfter = .seconds(1)
        // How the job ended, its state tells.
        _ = try? await service.call("output", ["handle": .string(known.id), "action": "wait"], in: call)
        return try await task(known.id, for: context)
    }

    /// A job's person is asked before its call is answered: none waits for an answer.
    func accept(_ answers: [String: JSONObject], for id: String, _ context: RequestContext) async throws(MMError) {
        _ = try await task(id, for: context)
    }

    func cancel(_ id: String, for context: RequestContext) async throws(MMError) {
        let arguments: JSONObject = ["handle": .string(id), "action": "cancel"]
        do throws(MMError) {
            _ = try await service.call("output", arguments, in: calls.call(for: context))
        } catch {
            // A job that failed meanwhile answers with its failure.
            guard try await task(id, for: context).isOver else { throw error }
        }
    }

    private func rows(_ context: RequestContext) async throws(MMError) -> [JSONValue] {
        let answer = try await service.call("jobs", [:], in: calls.call(for: context))
        guard case .value(let value) = answer.body else { return [] }
        return value["jobs"]?.array ?? []
    }

    /// The result of a call that is over, as the call itself would have had it.
    private func result(of id: String, _ context: RequestContext) async -> ToolResult {
        do throws(MMError) {
            let call = calls.call(for: context)
            let answer = try await service.call("output", ["handle": .string(id)], in: call)
            return try await shaper.of(call.caller).result(of: answer, form: answer.form)
        } catch {
            return shaper.result(of: error)
        }
    }

    /// What a row of `jobs` says of its task; the result of one that is over stays to be read.
    private static func task(_ row: JSONValue) -> ToolTask {
        let started = row["started"]?.string.flatMap { Timestamp(iso8601: $0) } ?? .now
        let lasted = Duration.seconds(row["seconds"]?.int ?? 0)
        let status: ToolTask.Status =
            switch row["state"]?.string {
            case "running": .working
            case "cancelled": .cancelled
            default: .completed(ToolResult())
            }
        var task = ToolTask(
            id: row["job"]?.string ?? "", status: status, message: row["progress"]?.string, created: started,
            updated: started + lasted)
        // Results are kept for an hour; what still goes on is there until it ends.
        if task.isOver { task.lifetime = lasted + .seconds(3600) }
        return task
    }
}
