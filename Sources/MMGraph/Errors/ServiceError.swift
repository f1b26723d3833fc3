import MMCore
import MMIdentity

/// A service's error response, parsed as far as possible: gateways respond in HTML, and some services in formats of
/// their own.
package struct ServiceError: Sendable, Hashable {
    /// The status.
    package let status: Int
    /// The service's error code, such as `ResourceNotFound`; may be empty.
    package let code: String
    /// The service's message; may be empty.
    package let message: String
    /// The reasons beside the message, in the order of the response; may be empty.
    let reasons: [String]
    /// A more specific code, if there is one.
    package let innerCode: String?
    /// The request id, by which the service's operators can find the request.
    package let requestID: String?
    /// The request id that the client sent.
    package let clientRequestID: String?
    /// Whether the response is a web page, as services answer to paths that they don't know.
    private let isWebPage: Bool

    /// Parses an error response.
    package init(_ response: GraphResponse) {
        status = response.status
        let value = try? JSONParser.parse(response.body, limits: JSONLimits(bytes: 1 << 20, depth: 64))
        let object = value?.object
        let error = object?["error"] ?? object?["odata.error"]
        let fields = error?.object
        let inner = Self.inner(of: error)
        // Older services use OAuth's format: {"error": "code", "error_description": "message"}.
        let plainWord = error?.string
        code = fields?["code"]?.string ?? plainWord ?? object?["code"]?.string ?? ""
        let sentence =
            fields?["message"]?.string ?? fields?["message"]?["value"]?.string ?? object?["error_description"]?.string
            ?? object?["message"]?.string ?? object?["Message"]?.string
        isWebPage = object == nil && Self.isWebPage(response)
        message = sentence.map(Self.oneLine) ?? Self.fromText(response, isObject: object != nil)
        reasons = Self.reasons(in: error, beside: message)
        innerCode = inner?["code"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        requestID = response.requestID ?? inner?["request-id"]?.string
        clientRequestID = response.header("client-request-id") ?? inner?["client-request-id"]?.string
    }

    /// Returns the message of a response that isn't JSON: the title of a web page, or the text on one line.
    private static func fromText(_ response: GraphResponse, isObject: Bool) -> String {
        guard !isObject, !response.body.isEmpty else { return "" }
        let text = String(decoding: response.body.prefix(4096), as: UTF8.self)
        if isWebPage(response) {
            let lower = text.lowercased()
            if let start = lower.firstRange(of: "<title>")?.upperBound,
                let end = lower[start...].firstRange(of: "</title>")?.lowerBound
            {
                return "a web page titled “\(oneLine(String(lower[start..<end])))” instead of an answer"
            }
            return "a web page instead of an answer"
        }
        return oneLine(text)
    }

    private static func isWebPage(_ response: GraphResponse) -> Bool {
        response.contentType == "text/html"
            || String(decoding: response.body.prefix(4096), as: UTF8.self).lowercased().contains("<html")
    }

    /// Returns a message and the reasons beside it as one text.
    static func told(_ message: String, _ reasons: [String]) -> String {
        ([message] + reasons).filter { !$0.isEmpty }.joined(separator: " – ")
    }

    /// Returns the messages in an error's `details`, which Azure nests ("See inner errors for details"), and in the
    /// errors within it, of which Log Analytics tells only the innermost what is wrong; each with its code, what it is
    /// about, and the place in a query that can't be parsed.
    static func reasons(in error: JSONValue?, beside message: String, depth: Int = 0) -> [String] {
        guard depth < 5 else { return [] }
        let details = error?["details"]?.array?.prefix(10) ?? []
        return (details + [inner(of: error)].compactMap(\.self)).flatMap { detail -> [String] in
            let text = detail["message"]?.string.map(oneLine) ?? ""
            let subject = [detail["code"]?.string, detail["target"]?.string].compactMap(\.self).filter { !$0.isEmpty }
            let words = subject == [text] ? subject : subject + [text]
            let own = text.isEmpty || message.contains(text) ? [] : [words.joined(separator: ": ") + place(of: detail)]
            return own + reasons(in: detail, beside: text, depth: depth + 1)
        }
    }

    /// Returns the error within an error, whose name services spell in two ways.
    private static func inner(of error: JSONValue?) -> JSONValue? { error?["innerError"] ?? error?["innererror"] }

    /// Returns the place of a syntax error, as Azure Resource Graph tells it; empty if there is none.
    private static func place(of detail: JSONValue) -> String {
        guard let line = detail["line"]?.int, let column = detail["characterPositionInLine"]?.int else { return "" }
        let token = detail["token"]?.string.map { " at '\(oneLine($0))'" } ?? ""
        return "\(token) in line \(line), position \(column)"
    }

    private static func oneLine(_ text: String) -> String { text.onOneLine(most: 800) }
}

extension ServiceError {
    /// Returns the error to report from an operation.
    /// - Parameters:
    ///   - request: the request that failed.
    ///   - retryAfter: the wait that the service asks for.
    func mmError(for request: GraphRequest, retryAfter: Duration?) -> MMError {
        let service = request.target.service.rawValue
        var details: JSONObject = [
            "service": .string(service), "status": .int(Int64(status)), "method": .string(request.method),
            "path": .string(request.target.path),
        ]
        if !code.isEmpty { details["code"] = .string(code) }
        if !message.isEmpty { details["serviceMessage"] = .string(message) }
        if !reasons.isEmpty { details["reasons"] = .array(reasons.map(JSONValue.string)) }
        if let innerCode { details["innerCode"] = .string(innerCode) }
        if let requestID { details["requestId"] = .string(requestID) }
        if let clientRequestID { details["clientRequestId"] = .string(clientRequestID) }
        let word = code.isEmpty ? "" : " \(code)"
        let told = Self.told(message, reasons)
        let sentence = told.isEmpty ? "" : ": \(told)"
        let trace = requestID.map { " (request-id \($0))" } ?? ""
        return MMError(
            kind, "\(service) answered \(status)\(word) to \(request.method) \(request.target.path)\(sentence)\(trace)",
            hint: hint(request, retryAfter), retry: retry(retryAfter), details: details)
    }

    /// Returns when a call may be repeated that the service doesn't serve now.
    /// - Parameter asked: the wait that the service asks for.
    static func later(_ asked: Duration?) -> String {
        guard let asked, asked > .zero else { return "Try again later." }
        return "The service asks to wait \(asked.wholeSeconds) s: try again then."
    }

    private var kind: MMErrorCode {
        switch status {
        case 401, 403: .forbidden
        case 404, 410: .notFound
        case 409, 412, 423, 428: .conflict
        case 413: .limitExceeded
        case 429: .throttled
        case 501: .unsupported
        case 503: .unavailable
        default: .remoteFailed
        }
    }

    private func retry(_ asked: Duration?) -> MMError.Retry {
        switch status {
        case 429, 503: .after(asked ?? .seconds(30))
        case 500, 502, 504: .after(asked ?? .seconds(5))
        default: .never
        }
    }

    private func hint(_ request: GraphRequest, _ asked: Duration?) -> String? {
        if status == 400, let advice = QueryOption.advice(on: request.target, message: message) { return advice }
        switch (status, code) {
        case (..<300, _):
            return
                "A proxy or another device may have answered instead of the service. It isn't known whether this was "
                + "done: check before sending it again."
        case (400, "Request_UnsupportedQuery") where request.target.queryValue("$skip") != nil:
            return "Directory objects can't be skipped: leave out $skip, and follow the pages with `all`, or `top`."
        case (400, "Request_UnsupportedQuery"):
            return
                QueryOption.search(insteadOf: request.target)
                ?? "Add $count=true to the query: directory objects support it only so, and with the header "
                + "ConsistencyLevel: eventual, which is then sent."
        case (400, "MissingApiVersionParameter"):
            return "Add ?api-version=YYYY-MM-DD, from the provider's documentation."
        case (401, _):
            return
                "The service refuses a token that was just renewed. Check that the endpoint belongs to this service, and "
                + "the account's licences."
        case (403, _):
            return
                "The account or the app lacks a permission for this. The app registration must have it with consent, and the "
                + "account must have the right too."
        case (404, _) where isWebPage:
            return "The service has no such path. `mm endpoints WORDS` finds calls by their subject."
        case (404, _): return "Check the id and the spelling; a new object may take a while to appear."
        case (410, _): return "The delta link is too old: start again without it."
        case (412, _):
            return
                "The object was changed meanwhile: read it again and send its new @odata.etag in If-Match (--if-match)."
        case (428, _): return "Read it, and send its @odata.etag in If-Match (--if-match)."
        case (409, _), (423, _): return "Another client changed or locked the object. Read it again before you retry."
        case (413, _): return "Request less: fewer fields ($select), a smaller page ($top), or an upload session."
        case (429, _): return Self.later(asked)
        case (500..., _) where request.method != "GET":
            return "It isn't known whether this was done: check before sending it again."
        case (503, _): return Self.later(asked)
        default: return nil
        }
    }
}

extension String {
    /// The text on one line, cut after `most` characters.
    func onOneLine(most: Int) -> String {
        let line = split { $0.isNewline }.joined(separator: " ").trimmed
        return line.count <= most ? line : line.prefix(most) + "…"
    }
}
