import MMCore

/// The state of a modern call's questions: those that were answered, and those to ask when the handler ends.
final class QuestionRounds: Sendable {
    private struct State: Sendable {
        var sealed: SealedState
        var pending: [Question] = []
    }

    private let state: Mutex<State>

    /// Reads the parts of a request that answer an earlier question.
    /// - Throws: -32602 for a state that this server didn't issue, and for answers that aren't objects.
    init(_ planned: PlannedCall, seal: StateSeal) throws(MCPError) {
        var sealed: SealedState
        switch planned.params["requestState"] {
        case nil: sealed = .fresh()
        case .string(let text): sealed = try seal.open(text, for: StateSeal.binding(planned))
        case .some(let other): throw .invalidParams("requestState must be a string, not \(other.kindName).")
        }
        switch planned.params["inputResponses"] {
        case nil: break
        case .object(let responses):
            // Ignores answers to questions that were never asked.
            for (key, value) in responses where sealed.asked.contains(key) {
                guard value.object != nil else {
                    throw .invalidParams(
                        "inputResponses[\"\(MCPError.quotable(key))\"] must be an object, not \(value.kindName)."
                    )
                }
                sealed.answers[key] = value
            }
        case .some(let other): throw .invalidParams("inputResponses must be an object, not \(other.kindName).")
        }
        state = Mutex(State(sealed: sealed))
    }

    /// Returns the answer to a question; `nil` when the question has to be asked, for the first time or again.
    func answer(to question: Question) -> JSONObject? {
        state.withLock { state in
            guard let answer = state.sealed.answers[question.key]?.object, question.fault(of: answer) == nil else {
                state.sealed.answers[question.key] = nil
                return nil
            }
            return answer
        }
    }

    /// Adds questions to ask when the handler ends.
    func ask(_ questions: [Question]) {
        state.withLock { $0.pending.append(contentsOf: questions) }
    }

    var nonce: String { state.withLock { $0.sealed.nonce } }

    var carried: JSONObject { state.withLock { $0.sealed.carried } }

    func carry(_ key: String, _ value: JSONValue?) {
        state.withLock { $0.sealed.carried[key] = value }
    }

    /// Returns the result that asks the pending questions; `nil` when there are none.
    func result(of planned: PlannedCall, seal: StateSeal) -> JSONObject? {
        var (sealed, pending) = state.withLock { ($0.sealed, $0.pending) }
        guard !pending.isEmpty else { return nil }
        let requests = Question.requests(pending, for: planned.profile.version)
        sealed.asked = Set(pending.map(\.key))
        return [
            "resultType": "input_required", "inputRequests": .object(requests),
            "requestState": .string(seal.seal(sealed, for: StateSeal.binding(planned))),
        ]
    }
}
