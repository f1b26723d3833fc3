package import MMCore

/// The outcome of a call's requests, as far as its caller has to know it.
package struct CallReport: Sendable, Hashable {
    /// The requests that were sent and change something, in order.
    package internal(set) var sent: [SentRequest] = []
    /// The requests that were held back and not sent.
    package internal(set) var held: [SentRequest] = []
    /// The requests that a person refused.
    package internal(set) var refused: [SentRequest] = []
    /// The request that needed a confirmation, but no person could be asked.
    package internal(set) var question: RequestQuestion?
    /// The requests of a dry run, in order; only the first ones if there are very many.
    package private(set) var rehearsed: [DryRunRequest] = []
    /// The number of requests of a dry run that are not listed.
    package private(set) var unlisted = 0

    /// Creates the report of a call that has sent nothing yet.
    package init() {}

    private static let most = 50
    private static let mostRehearsed = (reads: 100, changes: 400)

    /// Adds a request of a dry run.
    mutating func rehearse(_ intent: RequestIntent, number: UInt64, _ decision: GuardDecision) {
        let most = intent.isRead ? Self.mostRehearsed.reads : Self.mostRehearsed.changes
        guard rehearsed.count(where: { $0.isRead == intent.isRead }) < most else {
            unlisted += 1
            return
        }
        rehearsed.append(DryRunRequest(intent, number: number, decision: decision))
    }

    mutating func ended(_ number: UInt64, status: Int, wasSent: Bool) {
        if let place = rehearsed.lastIndex(where: { $0.number == number }), wasSent {
            rehearsed[place].wasSent = true
            rehearsed[place].status = status == 0 ? nil : status
        }
        guard let place = sent.lastIndex(where: { $0.number == number }) else { return }
        if wasSent { sent[place].status = status == 0 ? nil : status } else { sent.remove(at: place) }
    }

    /// Returns the error of a call with a request that waits for a person; nil if there is no such request.
    /// - Parameter pending: the entry of the ledger, if it can be confirmed later.
    package func error(pending: PendingConfirmation?) -> MMError? {
        guard let question, var error = question.verdict.error(pending: pending) else { return nil }
        error.message += " It was not sent, nor was any later request that changes something. " + told
        error.hint = hint(pending, question)
        for (key, value) in details { error.details[key] = value }
        return error
    }

    /// The sent and held requests, for the details of answers and errors.
    package var details: JSONObject {
        [
            "heldBack": .array(held.prefix(Self.most).map(\.json)), "heldBackCount": .int(Int64(held.count)),
            "sent": .array(sent.prefix(Self.most).map(\.json)), "sentCount": .int(Int64(sent.count)),
        ]
    }

    /// Remarks to show beside the answer of a call that ran to its end.
    package var notes: [String] {
        refused.prefix(Self.most).map { "The person declined this request, and it was not sent: \($0.line)" }
    }

    private var told: String {
        guard !sent.isEmpty else { return "No earlier request changed anything." }
        let lines = sent.prefix(Self.most).map(\.line).joined(separator: "; ")
        let more = sent.count > Self.most ? "; and \(sent.count - Self.most) more" : ""
        let count =
            sent.count == 1
            ? "1 request that changes something was" : "\(sent.count) requests that change something were"
        return "\(count) sent before it: \(lines)\(more)."
    }

    private func hint(_ pending: PendingConfirmation?, _ question: RequestQuestion) -> String {
        let again =
            sent.isEmpty
            ? "Then repeat exactly this call."
            : "Then run only the rest of the script, because a restart from the top would send the earlier requests "
                + "again."
        guard let pending else {
            return question.canWait
                ? "Repeat the call where a person can be asked. \(again)"
                : "The request is too large to be confirmed later: run the call in a terminal, where a person can be asked. \(again)"
        }
        return "Ask them to run: mm confirm \(pending.token). \(again)"
    }
}

/// A request as a dry run shows it: address, body, and the decision that a real run would make.
package struct DryRunRequest: Sendable, Hashable {
    /// Its number within the session.
    package let number: UInt64
    /// The decision that a real run would make: send it, ask a person first, or refuse it. For a change it is the
    /// stricter of the decisions on the request and on the script's text.
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

    // Headers that have no effect on the request, or only identify the sender.
    private static let silent: Set<String> = [
        "accept-encoding", "connection", "content-length", "cookie", "host", "user-agent",
    ]
    private static let shownBytes = 4 << 10
    private static let shownLetters = 200

    /// Returns a small body without its secrets; for other bodies the size, the digest and the beginning.
    private static func body(of request: WireRequest) -> JSONValue {
        let bytes = request.body.seen
        guard !bytes.isEmpty else { return .null }
        // Requests to the sign-in service contain nothing but credentials.
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
