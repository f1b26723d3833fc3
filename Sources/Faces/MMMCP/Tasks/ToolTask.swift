package import MMCore

/// Work that goes on after its tool call was answered, as clients see it: a task of the protocol.
package struct ToolTask: Sendable {
    /// Where the work stands.
    package indirect enum Status: Sendable {
        /// It is being done.
        case working
        /// It waits for answers of the client's side.
        case inputRequired([Question])
        /// The call has its result, which may be that of a failed tool.
        case completed(ToolResult)
        /// The call ended with a protocol error.
        case failed(MCPError)
        /// It was cancelled before it ended.
        case cancelled
    }

    /// The task's name: random, so that nobody can guess another caller's.
    package var id: String
    /// Where the work stands.
    package var status: Status
    /// What is being done, or why it ended, for people.
    package var message: String?
    /// When the work began.
    package var created: Timestamp
    /// When the task last changed.
    package var updated: Timestamp
    /// How long the task is kept, counted from its beginning; `nil` as long as nothing ends it.
    package var lifetime: Duration?
    /// How often a client should ask.
    package var pollInterval: Duration

    /// A task.
    /// - Parameters:
    ///   - id: its name, which nobody can guess.
    ///   - status: where the work stands.
    ///   - message: what is being done, for people.
    ///   - created: when the work began.
    ///   - updated: when the task last changed.
    ///   - lifetime: how long it is kept, counted from its beginning.
    ///   - pollInterval: how often a client should ask.
    package init(
        id: String, status: Status, message: String? = nil, created: Timestamp, updated: Timestamp? = nil,
        lifetime: Duration? = nil, pollInterval: Duration = .seconds(1)
    ) {
        self.id = id
        self.status = status
        self.message = message
        self.created = created
        self.updated = updated ?? created
        self.lifetime = lifetime
        self.pollInterval = pollInterval
    }

    /// Whether nothing more happens to the task.
    package var isOver: Bool {
        switch status {
        case .working, .inputRequired: false
        case .completed, .failed, .cancelled: true
        }
    }

    /// The status on the wire.
    var word: String {
        switch status {
        case .working: "working"
        case .inputRequired: "input_required"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }

    /// The task without what came of it.
    func json(for era: Era) -> JSONObject {
        var object: JSONObject = ["taskId": .string(id), "status": .string(word)]
        object["statusMessage"] = message.map(JSONValue.string)
        object["createdAt"] = .string(created.iso8601)
        object["lastUpdatedAt"] = .string(updated.iso8601)
        object[era == .modern ? "ttlMs" : "ttl"] = lifetime.map(Self.milliseconds) ?? .null
        object[era == .modern ? "pollIntervalMs" : "pollInterval"] = Self.milliseconds(pollInterval)
        return object
    }

    /// The task with what came of it, or with what it waits for, as modern clients read it.
    func details(for version: ProtocolVersion) async -> JSONObject {
        var object = json(for: .modern)
        switch status {
        case .working, .cancelled: break
        case .inputRequired(let questions):
            object["inputRequests"] = .object(Question.requests(questions, for: version))
        case .completed(let result): object["result"] = .object(await result.collected().json(for: version))
        case .failed(let error): object["error"] = .object(error.json)
        }
        return object
    }

    private static func milliseconds(_ time: Duration) -> JSONValue {
        .int(max(1, time.milliseconds))
    }
}

/// Whether calls of a tool may be answered with a task.
package enum TaskSupport: String, Sendable, Hashable {
    /// Never.
    case forbidden
    /// Where the client can deal with one.
    case optional
    /// Always: clients that can't deal with tasks can't call the tool.
    case required
}

/// What a call's client makes of a task in place of the result.
package enum TaskWish: Sendable, Hashable {
    /// It needs the result itself.
    case unwanted
    /// It takes either; the server chooses.
    case welcome
    /// It asked for a task, and would like it to be kept this long.
    case demanded(lifetime: Duration?)
}

/// Where a server's tasks are: the table of its long work.
///
/// Every look-up is a caller's own. A task that the caller may not see does not exist for it: the store throws `notFound`.
package protocol TaskStore: Sendable {
    /// The task of this name.
    func task(_ id: String, for context: RequestContext) async throws(MMError) -> ToolTask

    /// The caller's tasks, newest first.
    func tasks(for context: RequestContext) async throws(MMError) -> [ToolTask]

    /// Waits until a task differs from what is known of it, or for as long as the store likes to wait.
    func change(of known: ToolTask, for context: RequestContext) async throws(MMError) -> ToolTask

    /// Hands answers to the questions that a task waits for; answers to others are ignored.
    func accept(_ answers: [String: JSONObject], for id: String, _ context: RequestContext) async throws(MMError)

    /// Asks the task to end; one that is over stays as it is.
    func cancel(_ id: String, for context: RequestContext) async throws(MMError)
}

extension TaskStore {
    /// What becomes of a task, until it is over or the reader leaves: its state now, then each that tells something new.
    func states(of id: String, for context: RequestContext) -> AsyncStream<ToolTask> {
        AsyncStream { continuation in
            let reading = Task {
                defer { continuation.finish() }
                do {
                    var known = try await task(id, for: context)
                    continuation.yield(known)
                    while !known.isOver, !Task.isCancelled {
                        let next = try await change(of: known, for: context)
                        if next.word != known.word || next.message != known.message { continuation.yield(next) }
                        known = next
                    }
                } catch {
                    // The task is gone: nothing more is told of it.
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }
}
