internal import MMCore

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

    /// The body of the answer.
    func body(trace: String, correlation: String, now: Int64) -> JSONObject {
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
