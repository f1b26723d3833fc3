internal import MMCore
internal import MMHTTP

/// An error of the token endpoint, in Entra's form.
struct TokenFault: Error {
    let error: String
    let number: Int
    let message: String
    var status = 400
    var suberror: String?
    var claims: String?
    var retryAfter: Int?

    init(
        _ error: String, _ number: Int, _ message: String, status: Int = 400, suberror: String? = nil,
        claims: String? = nil, retryAfter: Int? = nil
    ) {
        self.error = error
        self.number = number
        self.message = message
        self.status = status
        self.suberror = suberror
        self.claims = claims
        self.retryAfter = retryAfter
    }

    static func missing(_ field: String) -> TokenFault {
        TokenFault("invalid_request", 900_144, "The request body must contain the following parameter: '\(field)'.")
    }

    /// A confidential client sent no credential, or a public one asked for what only those with one get.
    static let credentialMissing = KnownTokenFaults.fault(7_000_218)

    /// The answer that tells of it.
    func answer(to request: HTTPServerRequest, now: Int64) -> HTTPServerResponse {
        let trace = RandomBytes.uuid()
        let correlation = request.headers["client-request-id"] ?? RandomBytes.uuid()
        var answer = Self.answer(
            status, body(trace: trace, correlation: correlation, now: now), to: request, trace: trace)
        answer.headers.set("client-request-id", correlation)
        if let retryAfter { answer.headers.set("Retry-After", "\(retryAfter)") }
        return answer
    }

    /// An answer of the token endpoint, with the headers that all of them have.
    static func answer(
        _ status: Int, _ body: JSONObject, to request: HTTPServerRequest, trace: String
    ) -> HTTPServerResponse {
        var answer = HTTPServerResponse(status: status, json: .object(body))
        answer.headers.set("Cache-Control", "no-store, no-cache")
        answer.headers.set("Pragma", "no-cache")
        answer.headers.set("x-ms-request-id", trace)
        answer.headers.set("x-ms-ests-server", "2.1.0 - SANDBOX ProdSlices")
        answer.headers.set("client-request-id", request.headers["client-request-id"] ?? RandomBytes.uuid())
        return answer
    }

    /// The body of the answer.
    private func body(trace: String, correlation: String, now: Int64) -> JSONObject {
        // The one error without a number is the answer to a client that polls too fast.
        guard number != 0 else { return ["error": .string(error), "error_description": .string(message)] }
        let stamp = ServiceTime.blankText(now)
        var body: JSONObject = [
            "error": .string(error),
            "error_description":
                .string(
                    "AADSTS\(number): \(message) Trace ID: \(trace) Correlation ID: \(correlation) Timestamp: \(stamp)"),
            "error_codes": [.int(Int64(number))],
            "timestamp": .string(stamp),
            "trace_id": .string(trace),
            "correlation_id": .string(correlation),
        ]
        if let suberror { body["suberror"] = .string(suberror) }
        if let claims { body["claims"] = .string(claims) }
        return body
    }
}
