import MMCore

/// What a modern call must remember between a question and its answer. The client stores it, sealed: signed with the
/// server's key and bound to the caller and to exactly this call. It is readable, so it holds no secrets.
struct SealedState: Sendable {
    /// Identifies the call through all its rounds, for actions that may happen only once.
    var nonce: String
    /// When the first question was asked, in seconds since 1970.
    var begun: Int64?
    /// The keys of the questions that were asked last.
    var asked: Set<String>
    /// The answers so far.
    var answers: JSONObject
    /// The values that the handler carries over to its next run.
    var carried: JSONObject

    /// Creates the state of a call that hasn't asked anything yet.
    static func fresh() -> SealedState {
        SealedState(nonce: RandomBytes.text(bytes: 16), begun: nil, asked: [], answers: [:], carried: [:])
    }
}

/// Seals and opens states. Processes that share a key accept each other's states.
struct StateSeal: Sendable {
    private static let prefix = "v1."
    /// The number of lifetimes that a call may take over all its rounds.
    static let rounds = 6
    private let key: [UInt8]
    private let lifetime: Duration
    private let clock: WallClock

    init(key: [UInt8], lifetime: Duration, clock: WallClock) {
        self.key = key
        self.lifetime = lifetime
        self.clock = clock
    }

    /// Returns what a state is bound to: the caller, the method and the parameters.
    static func binding(_ planned: PlannedCall) -> String {
        var params = planned.params
        for key in ["_meta", "requestState", "inputResponses"] { params[key] = nil }
        let call: JSONValue = [
            .string(planned.profile.principal.name), .string(planned.method.rawValue), canonical(.object(params)),
        ]
        return Base64.text(SHA256.digest(JSONWriter.bytes(call)), alphabet: .url)
    }

    /// Returns the value in canonical form: a client may write its members in another order the next time.
    private static func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, canonical($0.value)) }))
        case .array(let items): .array(items.map(canonical))
        case .double(let number): Int64(exactly: number).map(JSONValue.int) ?? value
        default: value
        }
    }

    func seal(_ state: SealedState, for binding: String) -> String {
        let begun = Timestamp(seconds: state.begun ?? clock.now.seconds)
        // A client that keeps answering wrongly must not keep a call open forever.
        let expiry = min(clock.now + lifetime, begun + lifetime * Self.rounds)
        let payload: JSONValue = [
            "e": .int(expiry.seconds), "s": .int(begun.seconds), "b": .string(binding), "n": .string(state.nonce),
            "q": .array(state.asked.sorted().map(JSONValue.string)), "a": .object(state.answers),
            "c": .object(state.carried),
        ]
        let text = Base64.text(JSONWriter.bytes(payload), alphabet: .url)
        return "\(Self.prefix)\(text).\(Base64.text(signature(of: text), alphabet: .url))"
    }

    /// Opens a state that a client sent back.
    /// - Throws: -32602 for a state that was altered, has expired, or belongs to another caller or call.
    func open(_ sealed: String, for binding: String) throws(MCPError) -> SealedState {
        let invalid = MCPError.invalidParams(
            "requestState was not issued by this server for this call; start again.")
        guard sealed.hasPrefix(Self.prefix), sealed.utf8.count <= 4 << 20 else { throw invalid }
        let parts = sealed.dropFirst(Self.prefix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let given = Base64.bytes(String(parts[1]), alphabet: .url),
            ConstantTime.equal(given, signature(of: String(parts[0]))),
            let bytes = Base64.bytes(String(parts[0]), alphabet: .url), let payload = try? JSONParser.parse(bytes),
            payload["b"] == .string(binding), let expiry = payload["e"]?.int, let begun = payload["s"]?.int,
            let nonce = payload["n"]?.string
        else { throw invalid }
        guard clock.now.seconds <= Int64(expiry) else {
            throw .invalidParams("requestState is too old; start again.")
        }
        return SealedState(
            nonce: nonce, begun: Int64(begun), asked: Set(payload["q"]?.array?.compactMap(\.string) ?? []),
            answers: payload["a"]?.object ?? [:], carried: payload["c"]?.object ?? [:]
        )
    }

    private func signature(of text: String) -> [UInt8] {
        HMAC.sha256(Array("mcp request state \(text)".utf8), key: key)
    }
}

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
