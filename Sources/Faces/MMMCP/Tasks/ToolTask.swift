package import MMCore

/// Work that continues after its tool call was answered, as clients see it: a task of the protocol.
package struct ToolTask: Sendable {
    /// The state of the work.
    package indirect enum Status: Sendable {
        /// The work is in progress.
        case working
        /// The work waits for answers from the client's side.
        case inputRequired([Question])
        /// The call has its result, which may be that of a failed tool.
        case completed(ToolResult)
        /// The call ended with a protocol error.
        case failed(MCPError)
        /// The call was cancelled before it ended.
        case cancelled
    }

    /// The task's name: random, so that nobody can guess another caller's.
    package var id: String
    /// The state of the work.
    package var status: Status
    /// What is being done, or why the work ended, for people.
    package var message: String?
    /// When the work began.
    package var created: Timestamp
    /// When the task last changed.
    package var updated: Timestamp
    /// How long the task is kept, counted from its beginning; `nil` for no limit.
    package var lifetime: Duration?
    /// How often a client should poll.
    package var pollInterval: Duration

    /// Creates a task.
    /// - Parameters:
    ///   - id: the task's name, which must be impossible to guess.
    ///   - status: the state of the work.
    ///   - message: what is being done, for people.
    ///   - created: when the work began.
    ///   - updated: when the task last changed.
    ///   - lifetime: how long the task is kept, counted from its beginning.
    ///   - pollInterval: how often a client should poll.
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

    /// Whether the task won't change any more.
    package var isOver: Bool {
        switch status {
        case .working, .inputRequired: false
        case .completed, .failed, .cancelled: true
        }
    }

    /// The status on the wire. In revision 2025-11-25 the task of a tool that failed has failed; in later ones its call
    /// is completed, with a result that says so.
    func word(for era: Era) -> String {
        switch status {
        case .working: "working"
        case .inputRequired: "input_required"
        case .completed(let result): era == .legacy && result.isError ? "failed" : "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }

    /// Returns the task without its result.
    func json(for era: Era) -> JSONObject {
        var object: JSONObject = ["taskId": .string(id), "status": .string(word(for: era))]
        object["statusMessage"] = message.map(JSONValue.string)
        object["createdAt"] = .string(created.iso8601)
        object["lastUpdatedAt"] = .string(updated.iso8601)
        object[era == .modern ? "ttlMs" : "ttl"] = lifetime.map(Self.milliseconds) ?? .null
        object[era == .modern ? "pollIntervalMs" : "pollInterval"] = Self.milliseconds(pollInterval)
        return object
    }

    /// Returns the task with its result or its open questions, in the form for modern clients.
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
    /// If the client supports tasks.
    case optional
    /// Always: clients that don't support tasks can't call the tool.
    case required
}

/// Whether a call's client wants a task in place of the result.
package enum TaskWish: Sendable, Hashable {
    /// The client needs the result itself.
    case unwanted
    /// The client accepts either; the server chooses.
    case welcome
    /// The client asked for a task, and possibly for how long to keep it.
    case demanded(lifetime: Duration?)
}

/// The store of a server's tasks.
///
/// Callers can only access their own tasks: for any other, the store throws `notFound`.
package protocol TaskStore: Sendable {
    /// Returns the task with this name.
    func task(_ id: String, for context: RequestContext) async throws(MMError) -> ToolTask

    /// Returns the caller's tasks, newest first.
    func tasks(for context: RequestContext) async throws(MMError) -> [ToolTask]

    /// Waits until a task differs from its known state, or for as long as the store likes to wait; returns the current
    /// state.
    func change(of known: ToolTask, for context: RequestContext) async throws(MMError) -> ToolTask

    /// Passes answers to the questions that a task waits for; other answers are ignored.
    func accept(_ answers: [String: JSONObject], for id: String, _ context: RequestContext) async throws(MMError)

    /// Cancels a task; one that is over stays as it is.
    func cancel(_ id: String, for context: RequestContext) async throws(MMError)
}

extension TaskStore {
    /// Returns the states of a task: the current one, then each that differs in status or message, until the task is
    /// over or the reader stops.
    func states(of id: String, for context: RequestContext) -> AsyncStream<ToolTask> {
        AsyncStream { continuation in
            let reading = Task {
                defer { continuation.finish() }
                do {
                    var known = try await task(id, for: context)
                    continuation.yield(known)
                    while !known.isOver, !Task.isCancelled {
                        let next = try await change(of: known, for: context)
                        if next.word(for: context.era) != known.word(for: context.era) || next.message != known.message
                        {
                            continuation.yield(next)
                        }
                        known = next
                    }
                } catch {
                    // The task no longer exists, so the stream ends.
                }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }
}
