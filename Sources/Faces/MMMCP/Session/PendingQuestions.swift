import MMCore

/// The open questions to a legacy client. Each ends exactly once: by its answer, its deadline, the end of its call or
/// the end of the connection.
final class PendingQuestions: Sendable {
    private struct State: Sendable {
        var next = 0
        var isClosed = false
        var waiting: [String: CheckedContinuation<Result<JSONObject, Failure>, Never>] = [:]
    }

    /// Why a question got no answer.
    enum Failure: Error, Sendable {
        /// The client answered with an error.
        case refused(MCPError)
        /// Nobody answered before the deadline.
        case expired
        /// The call that asked was cancelled, or the connection has ended.
        case abandoned
    }

    private let state = Mutex(State())

    /// Asks a question and waits for its answer.
    /// - Parameters:
    ///   - timeout: how long to wait.
    ///   - send: sends the question under the given id; returns `false` when it can no longer be sent.
    ///   - withdraw: tells the client that the question is no longer of interest.
    func ask(
        timeout: Duration, send: @escaping @Sendable (RequestID) -> Bool,
        withdraw: @escaping @Sendable (RequestID) -> Void
    ) async throws(Failure) -> JSONObject {
        let key = state.withLock { state in
            state.next += 1
            return "srv-\(state.next)"
        }
        let id = RequestID.string(key)
        let outcome = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // An answer ends the sleep early through `cancelAll` below.
                guard (try? await Task.sleep(for: timeout)) != nil else { return }
                self.end(key, .failure(.expired))
            }
            let outcome = await self.wait(key, id, send)
            group.cancelAll()
            return outcome
        }
        switch outcome {
        case .success(let result): return result
        case .failure(.refused(let error)): throw .refused(error)
        case .failure(let failure):
            withdraw(id)
            throw failure
        }
    }

    private func wait(
        _ key: String, _ id: RequestID, _ send: @escaping @Sendable (RequestID) -> Bool
    ) async -> Result<JSONObject, Failure> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if state.isClosed { return false }
                    state.waiting[key] = continuation
                    return true
                }
                guard isOpen else {
                    continuation.resume(returning: .failure(.abandoned))
                    return
                }
                // The cancellation handler may have run before the question was registered.
                if Task.isCancelled || !send(id) { end(key, .failure(.abandoned)) }
            }
        } onCancel: {
            end(key, .failure(.abandoned))
        }
    }

    /// Accepts a client's answer; drops one to a question that isn't open.
    func settle(_ response: IncomingResponse) {
        guard case .string(let key) = response.id else { return }
        switch response.outcome {
        case .success(let result): end(key, .success(result))
        case .failure(let error): end(key, .failure(.refused(error)))
        }
    }

    /// Ends all open questions and refuses new ones.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: .failure(.abandoned)) }
    }

    private func end(_ key: String, _ outcome: Result<JSONObject, Failure>) {
        state.withLock { $0.waiting.removeValue(forKey: key) }?.resume(returning: outcome)
    }
}
