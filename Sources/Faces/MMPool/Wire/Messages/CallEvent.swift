package import MMCore
package import MMHTTP
package import MMOperations

/// What a pool reports about a running call, each as one Server-Sent Event.
package enum CallEvent: Sendable {
    /// The call has begun; answers to its questions are sent to this name.
    case call(String)
    /// The call's progress.
    case progress(ProgressReport)
    /// A sign-in waits for a person.
    case signIn(JSONObject)
    /// A question for a person.
    case question(id: String, ConfirmationQuestion)
    /// A question that a person answers with a line of text.
    case textQuestion(id: String, String)
    /// The pool wants the next bytes of standard input.
    case wantsInput(id: String)
    /// The answer is a list; this is everything but its items.
    case head(JSONObject)
    /// Further rows, as a JSON array.
    case items(String)
    /// The answer, which is the last event.
    case answer(JSONObject)
    /// The call's failure, which is the last event.
    case problem(MMError)

    /// The event as sent on the wire.
    package var event: SSEEvent {
        switch self {
        case .call(let id): Self.event("call", ["call": .string(id)])
        case .progress(let report): Self.event("progress", report.json)
        case .signIn(let details): Self.event("sign-in", details)
        case .question(let id, let question):
            Self.event(
                "question",
                [
                    "id": .string(id), "title": .string(question.title), "reason": .string(question.reason),
                    "pages": .array(question.pages.map(JSONValue.string)),
                    "lines": .array(question.lines.map(JSONValue.string)),
                    "check": .string(question.check.rawValue), "digest": .string(question.digest),
                    "alike": .int(Int64(question.moreOfKind)),
                    "isMidway": .bool(question.isMidway),
                ])
        case .textQuestion(let id, let text):
            Self.event("text-question", ["id": .string(id), "text": .string(text)])
        case .wantsInput(let id): Self.event("input", ["id": .string(id)])
        case .head(let object): Self.event("head", object)
        case .items(let rows): SSEEvent(data: rows, event: "items")
        case .answer(let object): Self.event("answer", object)
        case .problem(let error): Self.event("problem", ErrorWire.object(error))
        }
    }

    /// Creates an event from rows.
    package static func items(_ batch: [ArraySlice<UInt8>]) -> CallEvent {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(batch.reduce(2) { $0 + $1.count + 1 })
        bytes.append(UInt8(ascii: "["))
        for (index, item) in batch.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += item
        }
        bytes.append(UInt8(ascii: "]"))
        return .items(String(decoding: bytes, as: UTF8.self))
    }

    /// Reads an event from the wire.
    /// - Returns: `nil` for an event that this version doesn't know and skips.
    /// - Throws: `JSONError` when its data is not JSON.
    package init?(_ event: SSEEvent) throws(JSONError) {
        if event.event == "items" {
            self = .items(event.data)
            return
        }
        guard let object = try JSONParser.parse(event.data, limits: AnswerWire.limits).object else { return nil }
        switch event.event {
        case "call":
            guard let id = object["call"]?.string else { return nil }
            self = .call(id)
        case "progress":
            guard let report = ProgressReport(json: object) else { return nil }
            self = .progress(report)
        case "sign-in": self = .signIn(object)
        case "question":
            guard let id = object["id"]?.string else { return nil }
            self = .question(
                id: id,
                ConfirmationQuestion(
                    title: object["title"]?.string ?? "",
                    pages: object["pages"]?.array?.compactMap(\.string) ?? [],
                    lines: object["lines"]?.array?.compactMap(\.string) ?? [], reason: object["reason"]?.string ?? "",
                    check: object["check"]?.string.flatMap(PersonCheck.init) ?? .key,
                    digest: object["digest"]?.string ?? "", moreOfKind: object["alike"]?.int.map { Int($0) } ?? 0,
                    isMidway: object["isMidway"]?.bool ?? false))
        case "text-question":
            guard let id = object["id"]?.string, let text = object["text"]?.string else { return nil }
            self = .textQuestion(id: id, text)
        case "input":
            guard let id = object["id"]?.string else { return nil }
            self = .wantsInput(id: id)
        case "head": self = .head(object)
        case "answer": self = .answer(object)
        case "problem":
            guard let error = ErrorWire.error(object) else { return nil }
            self = .problem(error)
        default: return nil
        }
    }

    private static func event(_ name: String, _ object: JSONObject) -> SSEEvent {
        SSEEvent(data: JSONWriter.string(.object(object)), event: name)
    }
}

extension ProgressReport {
    /// The report as JSON: `done`, `total` if known, and `message`.
    package var json: JSONObject {
        var object: JSONObject = ["done": .double(done)]
        if let total { object["total"] = .double(total) }
        object["message"] = .string(message)
        return object
    }

    /// Reads a report from JSON; `nil` when it is not a report.
    fileprivate init?(json: JSONObject) {
        guard let done = json["done"]?.double, let message = json["message"]?.string else { return nil }
        self.init(done: done, total: json["total"]?.double, message: message)
    }
}

/// The lossless encoding of an error between a pool and a front-end.
package enum ErrorWire {
    /// Encodes an error: `MMError.json`, plus what that rounds or leaves out.
    package static func object(_ error: MMError) -> JSONObject {
        var object = error.json
        if case .after(let wait) = error.retry {
            object["retryAfterAttoseconds"] = .int(wait.components.attoseconds)
        }
        if let cause = error.cause { object["cause"] = .string(cause) }
        return object
    }

    /// Decodes an error; `nil` when the object contains none. Also accepts problem details (RFC 9457) that this product
    /// created.
    package static func error(_ object: JSONObject) -> MMError? {
        guard let code = object["code"]?.string, let message = (object["message"] ?? object["detail"])?.string else {
            return nil
        }
        var retry = MMError.Retry.never
        if let seconds = object["retryAfterSeconds"]?.int {
            if let rest = object["retryAfterAttoseconds"]?.int {
                retry = .after(Duration(secondsComponent: Int64(seconds), attosecondsComponent: Int64(rest)))
            } else {
                retry = seconds == 0 ? .now : .after(.seconds(seconds))
            }
        }
        return MMError(
            MMErrorCode(code), message, hint: object["hint"]?.string, retry: retry,
            details: object["details"]?.object ?? [:], cause: object["cause"]?.string)
    }
}
