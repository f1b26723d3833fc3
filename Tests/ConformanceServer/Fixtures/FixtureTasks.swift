import MMCore
import MMMCP

/// The fixtures' tasks, in memory.
final class FixtureTasks: TaskStore {
    private struct Entry {
        let owner: Principal
        var task: ToolTask
        var work: Task<Void, Never>?
        var answers: [String: JSONObject] = [:]
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// Begins a task and answers the call with it.
    func start(
        _ context: RequestContext, _ work: @escaping @Sendable (Running) async throws -> ToolResult
    ) -> ToolResult {
        var task = ToolTask(
            id: RandomBytes.text(bytes: 18), status: .working, message: "at work", created: .now,
            lifetime: .seconds(600), pollInterval: .milliseconds(200))
        if case .demanded(let lifetime?) = context.taskWish { task.lifetime = min(lifetime, .seconds(600)) }
        let (id, first) = (task.id, task)
        entries.withLock { $0[id] = Entry(owner: context.principal, task: first) }
        let running = Task {
            let status: ToolTask.Status
            do {
                status = .completed(try await work(Running(id: id, tasks: self)))
            } catch let error as MCPError {
                status = .failed(error)
            } catch {
                status = Task.isCancelled ? .cancelled : .completed(.failure("\(error)"))
            }
            self.set(status, "over", of: id)
        }
        entries.withLock { $0[id]?.work = running }
        return .task(task)
    }

    fileprivate func set(_ status: ToolTask.Status, _ message: String, of id: String) {
        entries.withLock { entries in
            guard let task = entries[id]?.task, !task.isOver else { return }
            entries[id]?.task.status = status
            entries[id]?.task.message = message
            entries[id]?.task.updated = .now
        }
    }

    fileprivate func answers(of id: String) -> [String: JSONObject] {
        entries.withLock { $0[id]?.answers ?? [:] }
    }

    func task(_ id: String, for context: RequestContext) async throws(MMError) -> ToolTask {
        let entry = entries.withLock { $0[id] }
        guard let entry, entry.owner == context.principal else { throw MMError(.notFound, "There is no such task.") }
        return entry.task
    }

    func tasks(for context: RequestContext) async throws(MMError) -> [ToolTask] {
        entries.withLock { $0.values.filter { $0.owner == context.principal }.map(\.task) }
            .sorted { ($0.created, $0.id) > ($1.created, $1.id) }
    }

    func change(of known: ToolTask, for context: RequestContext) async throws(MMError) -> ToolTask {
        while true {
            let task = try await task(known.id, for: context)
            if task.message != known.message || task.isOver || Task.isCancelled { return task }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    func accept(_ answers: [String: JSONObject], for id: String, _ context: RequestContext) async throws(MMError) {
        guard case .inputRequired(let questions) = try await task(id, for: context).status else { return }
        let fitting = questions.filter { question in
            answers[question.key].map { question.fault(of: $0) == nil } ?? false
        }
        for question in fitting { entries.withLock { $0[id]?.answers[question.key] = answers[question.key] } }
        let open = questions.filter { question in !fitting.contains { $0.key == question.key } }
        if open.isEmpty {
            set(.working, "goes on", of: id)
        } else {
            set(.inputRequired(open), "waits for \(open.count)", of: id)
        }
    }

    func cancel(_ id: String, for context: RequestContext) async throws(MMError) {
        _ = try await task(id, for: context)
        entries.withLock { $0[id]?.work }?.cancel()
        set(.cancelled, "cancelled", of: id)
    }

    /// A running task.
    struct Running: Sendable {
        let id: String
        let tasks: FixtureTasks

        /// Asks the client and waits for all answers.
        func ask(_ questions: [Question]) async throws -> [String: JSONObject] {
            tasks.set(.inputRequired(questions), "waits for \(questions.count)", of: id)
            while true {
                let answers = tasks.answers(of: id)
                if questions.allSatisfy({ answers[$0.key] != nil }) { return answers }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }
}
