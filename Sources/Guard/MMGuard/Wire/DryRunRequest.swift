package import MMCore

/// A request as a dry run shows it: what it is, what it carries, and what a run would do with it.
package struct DryRunRequest: Sendable, Hashable {
    /// Its number within the session.
    package let number: UInt64
    /// What a run would do: send it, ask a person first, or refuse it.
    package let decision: GuardDecision
    /// Whether it only reads.
    package let isRead: Bool
    /// Whether the dry run sent it.
    package internal(set) var wasSent = false
    /// The status of its answer.
    package internal(set) var status: Int?
    private let facts: JSONObject

    init(_ intent: RequestIntent, number: UInt64, decision: GuardDecision) {
        self.number = number
        self.decision = decision
        isRead = intent.isRead
        let request = intent.request
        var headers: JSONObject = [:]
        for field in request.headers where !Self.silent.contains(field.name.asciiLowercased) && !field.value.isEmpty {
            headers[field.name] = .string(field.value)
        }
        facts = [
            "method": .string(request.method.uppercased()), "url": .string(request.origin + request.target),
            "template": .string(intent.template), "class": .string(intent.classes.strictest.rawValue),
            "verdict": .string(decision.rawValue), "targets": .array(intent.targets.map(JSONValue.string)),
            "headers": .object(headers), "body": Self.body(of: request),
        ]
    }

    /// The request as JSON: the same for every engine.
    package var json: JSONValue {
        var object = facts
        object["sent"] = .bool(wasSent)
        object["status"] = status.map { .int(Int64($0)) }
        return .object(object)
    }

    // What says nothing of what a request does, or says who sends it.
    private static let silent: Set<String> = [
        "accept-encoding", "connection", "content-length", "cookie", "host", "user-agent",
    ]
    private static let shownBytes = 4 << 10
    private static let shownLetters = 200

    /// A small body without its secrets; of another one its size, digest and beginning.
    private static func body(of request: WireRequest) -> JSONValue {
        let bytes = request.body.seen
        guard !bytes.isEmpty else { return .null }
        // What is sent there is who signs in, and nothing else.
        guard request.service != .signIn else { return .string(Redactor.mark) }
        let content = WireBody(request)
        if bytes.count <= shownBytes, case .json(let value) = content.content { return Redactor.standard.json(value) }
        var sketch: JSONObject = [
            "bytes": request.isWhole ? .int(Int64(bytes.count)) : .string("more than \(bytes.count)")
        ]
        if request.isWhole { sketch["sha256"] = .string(Hex.text(SHA256.digest(bytes))) }
        if let text = String(validating: bytes.prefix(shownBytes), as: UTF8.self) {
            sketch["begins"] = .string(String(Redactor.standard.text(text).prefix(shownLetters)))
        }
        return .object(sketch)
    }
}
