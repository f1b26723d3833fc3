internal import MMCore
internal import MMSystem

/// Work that several callers wait for, each with its own deadline and cancellation.
///
/// The work itself is never cancelled: the result of a refresh that has reached the service must be stored, or its
/// refresh token is lost. A caller that gives up merely stops waiting.
struct SharedRequest<Value: Sendable>: Sendable {
    private let task: Task<Result<Value, MMError>, Never>

    /// Starts the work.
    init(_ work: @escaping @Sendable () async -> Result<Value, MMError>) {
        // Not a child task of the first caller, whose cancellation must not affect the others.
        task = Task { await work() }
    }

    /// Waits for the work.
    /// - Parameters:
    ///   - what: what the caller waits for, for error messages.
    ///   - deadline: when this caller gives up.
    /// - Throws: what the work threw; `cancelled` when the caller's task is cancelled; `deadlineExceeded`.
    func value(of what: String, until deadline: Deadline) async throws(MMError) -> Value {
        let answer = OneShot<Result<Value, MMError>>()
        let waiter = Task { answer.resolve(await task.value) }
        defer { waiter.cancel() }
        return try await answer.wait(
            until: deadline, late: .failure(deadline.exceeded(what)),
            cancelled: .failure(MMError(.cancelled, "Cancelled while \(what)."))
        ).get()
    }
}

extension IdentityService {
    /// A request for a token that is under way.
    struct Flight {
        let id: String
        /// The deadline of the call that started it, which bounds the request itself.
        let deadline: Deadline
        let request: SharedRequest<TokenAcquirer.Outcome>
    }

    /// Runs a request that is shared by all calls for the same token.
    func shared(
        _ key: FlightKey, of connection: String, until deadline: Deadline,
        _ run: @escaping @Sendable () async throws(MMError) -> TokenAcquirer.Outcome
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let what = "getting a token for \(connection)"
        // A request with much less time than this call has may fail for want of time alone.
        if let flight = pendingRequests[key], flight.deadline.remaining >= deadline.remaining / 2 {
            return try await flight.request.value(of: what, until: deadline)
        }
        let id = RandomBytes.uuid()
        let request = SharedRequest<TokenAcquirer.Outcome> { [weak self] in
            let result = await Result { () async throws(MMError) in try await run() }
            await self?.finish(key, id)
            return result
        }
        pendingRequests[key] = Flight(id: id, deadline: deadline, request: request)
        return try await request.value(of: what, until: deadline)
    }

    private func finish(_ key: FlightKey, _ id: String) {
        if pendingRequests[key]?.id == id { pendingRequests[key] = nil }
    }
}
