internal import MMCore
internal import MMHTTP
internal import MMIdentity

/// Sends one request, as often as the policy allows, until there is a response to return.
struct Attempt {
    private let client: GraphClient
    private let request: GraphRequest
    private let url: String
    private let deadline: Deadline
    private let delivery: BodyDelivery
    private let clientRequestID = RandomBytes.uuid()
    private var repetitions = 0
    private var hasRenewed = false
    /// Whether the service may have got the request, in this or an earlier repetition.
    private var mayHaveArrived = false
    private var gate: ServiceGate

    init(client: GraphClient, request: GraphRequest, url: String, deadline: Deadline, delivery: BodyDelivery) {
        self.client = client
        self.request = request
        self.url = url
        self.deadline = deadline
        self.delivery = delivery
        gate = client.gate
    }

    mutating func run() async throws(MMError) -> GraphResponse {
        do throws(MMError) { return try await answer() } catch {
            var error = error
            error.isUnsent = !mayHaveArrived
            throw error
        }
    }

    private mutating func answer() async throws(MMError) -> GraphResponse {
        var token = try await client.identity.token(
            for: client.connection, resource: client.resource, deadline: deadline)
        if token.account.isApp, let refusal = request.needsPerson(token.account, of: client.connection) {
            throw refusal
        }
        while true {
            try deadline.check("asking \(client.service.rawValue)")
            let sent = try await gate.pass(until: deadline)
            let ending: RetryPolicy.Ending
            let answer: GraphResponse?
            var failure: HTTPError?
            do {
                let response = try await delivery.exchange(wire(token), over: client.transport)
                answer = response
                mayHaveArrived = true
                let advice = WaitAdvice(response.fields, now: client.clock.now)
                ending = RetryPolicy.Ending(response.status, advice)
                if response.status < 500, !ending.isThrottling { await gate.apply(advice, sent: sent) }
            } catch {
                answer = nil
                failure = error
                mayHaveArrived = mayHaveArrived || error.mayHaveBeenSent
                ending = .failure(error)
            }
            note(answer, failure)
            if let answer, answer.status == 401, !hasRenewed {
                hasRenewed = true
                token = try await client.identity.token(
                    insteadOf: token, at: sent, answer: answer.fields, for: client.connection, deadline: deadline)
                continue
            }
            if try await waitsForAnother(ending, sent: sent) { continue }
            if let answer { return answer }
            let fault = failure ?? HTTPError(.connectionLost, "no answer came")
            throw unanswered(fault)
        }
    }

    private mutating func waitsForAnother(
        _ ending: RetryPolicy.Ending, sent: Timestamp
    ) async throws(MMError) -> Bool {
        if case .status(let status, _) = ending, status < 400 { return false }
        repetitions += 1
        let wait = RetryPolicy.wait(
            after: ending, method: request.method, repetition: repetitions,
            isGuarded: request.header("If-Match") != nil, mayRepeat: request.mayRepeat, jitter: client.jitter())
        do {
            return try await gate.waits(after: ending, wait, sent: sent, until: deadline, client.pause)
        } catch {
            throw MMError(.cancelled, "The request was cancelled.")
        }
    }

    private func unanswered(_ fault: HTTPError) -> MMError {
        var error = fault.mmError(for: "\(request.method) \(request.target.path)")
        if fault.mayHaveBeenSent, request.method != "GET", fault.kind != .cancelled {
            error.hint = "It isn't known whether this was done: check before sending it again."
            error.retry = .never
        }
        error.details["service"] = .string(client.service.rawValue)
        error.details["clientRequestId"] = .string(clientRequestID)
        return error
    }

    private func wire(_ token: AccessToken) -> HTTPRequest {
        var headers: HTTPHeaders = [
            "Authorization": token.authorization, "Accept": "application/json, */*;q=0.8",
            "client-request-id": clientRequestID, "return-client-request-id": "true",
        ]
        if repetitions > 0 { headers.set("Retry-Attempt", "\(repetitions)") }
        for (name, value) in RequestDefaults.headers(for: request.target) { headers.set(name, value) }
        if let contentType = request.contentType { headers.set("Content-Type", contentType) }
        for (name, value) in request.headers { headers.set(name, value) }
        return HTTPRequest(
            method: request.method, url: url, headers: headers, body: request.body,
            timeout: min(.seconds(100), max(deadline.remaining, .milliseconds(1))),
            maxResponseBytes: GraphClient.maxResponseBytes, allowsPlainHTTP: url.hasPrefix("http:"))
    }

    private func note(_ answer: GraphResponse?, _ failure: HTTPError?) {
        let outcome = answer.map { "\($0.status) \($0.body.count) bytes" } ?? "no answer (\(failure?.message ?? ""))"
        client.log.debug(
            "\(request.method) \(request.target.path) \(outcome)",
            [
                "service": .string(client.service.rawValue), "clientRequestId": .string(clientRequestID),
                "requestId": .string(answer?.requestID ?? ""), "attempt": .int(Int64(repetitions + 1)),
                "diagnostic": .string(answer?.header("x-ms-ags-diagnostic") ?? ""),
            ])
    }
}

/// The way in which a response's body is delivered.
enum BodyDelivery: Sendable {
    /// In memory, after it has arrived completely.
    case whole
    /// As a stream while it arrives if the response is a success; errors and redirects are delivered whole.
    case streamed

    /// Sends a request and returns its response.
    func exchange(_ wire: HTTPRequest, over transport: any HTTPTransport) async throws(HTTPError) -> GraphResponse {
        switch self {
        case .whole:
            let response = try await transport.send(wire)
            return GraphResponse(status: response.status, headers: response.headers, body: response.body)
        case .streamed:
            let response = try await transport.open(wire)
            guard (200..<300).contains(response.status) else {
                let body = try await response.collect(limit: 1 << 20)
                return GraphResponse(status: response.status, headers: response.headers, body: body)
            }
            return GraphResponse(
                status: response.status, headers: response.headers, body: [], stream: response.chunks)
        }
    }
}
