import MMCore

/// What a call of the modern era has to remember between a question and its answer. The client keeps it, sealed: signed
/// with a key of the server's and bound to the caller and to exactly this call. It can be read, so it holds no secrets.
struct SealedState: Sendable {
    /// Names the call through all its rounds, for what may happen only once.
    var nonce: String
    /// When the first question was asked, in seconds since 1970.
    var begun: Int64?
    /// Which questions were asked last.
    var asked: Set<String>
    /// What was answered so far.
    var answers: JSONObject
    /// What the handler wants to find again.
    var carried: JSONObject

    /// A call that has asked nothing yet.
    static func fresh() -> SealedState {
        SealedState(nonce: RandomBytes.text(bytes: 16), begun: nil, asked: [], answers: [:], carried: [:])
    }
}

/// Seals and opens states. Two processes with one key understand each other's.
struct StateSeal: Sendable {
    private static let prefix = "v1."
    /// How many lifetimes a call may take over all its rounds.
    static let rounds = 6
    private let key: [UInt8]
    private let lifetime: Duration
    private let clock: WallClock

    init(key: [UInt8], lifetime: Duration, clock: WallClock) {
        self.key = key
        self.lifetime = lifetime
        self.clock = clock
    }

    /// What a state is good for: this caller, this method, these parameters.
    static func binding(_ planned: PlannedCall) -> String {
        var params = planned.params
        for key in ["_meta", "requestState", "inputResponses"] { params[key] = nil }
        let call: JSONValue = [
            .string(planned.profile.principal.name), .string(planned.method.rawValue), canonical(.object(params)),
        ]
        return Base64.text(SHA256.digest(JSONWriter.bytes(call)), alphabet: .url)
    }

    /// The same value in the one way of writing it: a client may write its members in another order the next time.
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
        // Answering wrongly for ever must not keep a call open for ever.
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
    /// - Throws: -32602 for one that was altered, is too old, or belongs to another caller or another call.
    func open(_ sealed: String, for binding: String) throws(MCPError) -> SealedState {
        let invalid = MCPError.invalidParams("requestState is not one that this server gave for this call; start anew.")
        guard sealed.hasPrefix(Self.prefix), sealed.utf8.count <= 4 << 20 else { throw invalid }
        let parts = sealed.dropFirst(Self.prefix.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let given = Base64.bytes(String(parts[1]), alphabet: .url),
            ConstantTime.equal(given, signature(of: String(parts[0]))),
            let bytes = Base64.bytes(String(parts[0]), alphabet: .url), let payload = try? JSONParser.parse(bytes),
            payload["b"] == .string(binding), let expiry = payload["e"]?.int, let begun = payload["s"]?.int,
            let nonce = payload["n"]?.string
        else { throw invalid }
        guard clock.now.seconds <= Int64(expiry) else {
            throw .invalidParams("requestState is too old; start anew.")
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
