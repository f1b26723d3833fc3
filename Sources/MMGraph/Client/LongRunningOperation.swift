public import MMCore
package import MMHTTP
internal import MMIdentity

extension GraphClient {
    /// Follows a long-running request to its end.
    ///
    /// A response with status 202 (201 from Azure) that names a status URL (`Azure-AsyncOperation`,
    /// `Operation-Location`, `Location`) is polled until the work is done; every other response is returned as it is.
    /// The service determines the interval.
    /// - Parameters:
    ///   - response: the response to the request.
    ///   - request: the request.
    ///   - deadline: when to give up; the work itself continues.
    ///   - report: called with the progress of the work.
    /// - Returns: the service's final response.
    /// - Throws: `.remoteFailed` with the service's reason when the work failed, and when its state can't be read;
    ///   `.deadlineExceeded`.
    package func outcome(
        of response: GraphResponse, to request: GraphRequest, deadline: Deadline = .after(.seconds(300)),
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(MMError) -> GraphResponse {
        guard let work = LongRunningOperation(response, to: request) else { return response }
        do throws(MMError) {
            return try await work.finish(client: self, deadline: deadline, report: report)
        } catch {
            // The service has accepted the request itself, whatever becomes of those that ask for its state.
            throw error.ofLaterRequest
        }
    }
}

/// Work that a service continues after its response ("Track asynchronous Azure operations", "Working with long-running
/// actions" of Microsoft Graph).
struct LongRunningOperation: Sendable {
    private let request: GraphRequest
    /// The URL to poll.
    private let address: String
    /// Whether the URL always returns a state; otherwise it may return 202 until the work is done, and then its result.
    private let answersState: Bool
    /// The URL of the result, once the work is done.
    private let location: String?
    private let firstWait: String?

    private static let running: Set<String> = [
        "notstarted", "running", "inprogress", "accepted", "pending", "queued", "waiting", "creating", "updating",
        "deleting", "provisioning", "processing", "started",
    ]
    private static let done: Set<String> = ["succeeded", "completed"]
    private static let failed: Set<String> = ["failed", "canceled", "cancelled", "deletefailed", "error"]

    /// Reads a response; `nil` when the work is done, or the response names no status URL.
    init?(_ response: GraphResponse, to request: GraphRequest) {
        let state = response.header("Azure-AsyncOperation") ?? response.header("Operation-Location")
        location = response.header("Location")
        guard response.status == 202 || (response.status == 201 && state != nil), let address = state ?? location,
            !address.isEmpty
        else { return nil }
        self.address = address
        self.request = request
        answersState = state != nil
        firstWait = response.header("Retry-After")
    }

    func finish(
        client: GraphClient, deadline: Deadline, report: @Sendable (String) -> Void
    ) async throws(MMError) -> GraphResponse {
        var asked = firstWait.flatMap { RetryAfter.wait($0, now: client.clock.now) }
        var polls = 0
        var faults = 0
        while true {
            try await pause(client, asked, polls: polls, deadline)
            polls += 1
            let answer: GraphResponse
            do throws(MMError) {
                answer = try await sendOnce(address, client, deadline)
                faults = 0
            } catch {
                faults += 1
                // Work that was started a moment ago may not be known yet.
                let isNew = error.details["status"]?.int == 404 && polls <= 3
                guard isNew || (Self.isPassing(error) && faults <= Self.mostFaults) else { throw unread(error) }
                asked = if case .after(let wait) = error.retry { wait } else { nil }
                continue
            }
            asked = WaitAdvice(answer.fields, now: client.clock.now).retryAfter
            let body = (try? JSONParser.parse(answer.body)) ?? .null
            // The environments of the Power Platform have an object as their state.
            let state =
                body["status"]?.string ?? body["state"]?["id"]?.string
                ?? body["properties"]?["provisioningState"]?.string
            let word = state?.lowercased() ?? ""
            if Self.failed.contains(word) { throw failure(body, state ?? "") }
            let percent =
                body["percentageComplete"] ?? body["percentComplete"] ?? body["properties"]?["percentComplete"]
            report((state ?? "under way") + (percent.map { ", \($0.description) %" } ?? ""))
            if isRunning(answer.status, word) { continue }
            return try await result(answer, client, deadline)
        }
    }

    /// Returns whether the work continues. A drive's monitor answers 202 even when it is done; at a URL that always
    /// returns a state, every other word than those of the end means that the work continues.
    private func isRunning(_ status: Int, _ word: String) -> Bool {
        if Self.done.contains(word) { return false }
        return status == 202 || Self.running.contains(word) || (answersState && !word.isEmpty)
    }

    /// The maximum number of faults in a row while the state is read.
    private static let mostFaults = 5

    /// Returns whether an error says nothing about the work and may be over at the next poll.
    private static func isPassing(_ error: MMError) -> Bool {
        error.retry != .never && [.throttled, .unavailable, .remoteFailed, .deadlineExceeded].contains(error.code)
    }

    /// Returns the error for a state that can't be read: the request itself was accepted, so the reason must not look
    /// like a refusal of it.
    private func unread(_ error: MMError) -> MMError {
        guard ![.cancelled, .deadlineExceeded, .signInNeeded].contains(error.code) else { return error }
        return MMError(
            .remoteFailed,
            "\(request.method) \(request.target.path) was started, but its state can't be read: \(error.message)",
            hint: "The work may continue in the service: look for its result before you send it again.",
            details: error.details, cause: error.cause)
    }

    /// Returns the result, which may have a URL of its own.
    private func result(
        _ answer: GraphResponse, _ client: GraphClient, _ deadline: Deadline
    ) async throws(MMError) -> GraphResponse {
        guard answersState else { return answer }
        if request.method == "PUT" || request.method == "PATCH" {
            return try await client.send(try GraphRequest(target: request.target), deadline: deadline)
        }
        guard request.method == "POST", let location else { return answer }
        return try await sendOnce(location, client, deadline)
    }

    private func sendOnce(_ address: String, _ client: GraphClient, _ deadline: Deadline) async throws(MMError)
        -> GraphResponse
    {
        guard let place = WebAddress(address) else {
            return try await client.send(try GraphRequest(target: try client.target(address)), deadline: deadline)
        }
        if client.cloud.admits(address, for: client.resource), !Self.isPermission(place) {
            let request = try GraphRequest(target: request.target)
            return try await client.send(request, to: address, deadline: deadline)
        }
        // The monitor URL of a drive carries its own authorisation and gets no token.
        try client.check(place, for: "the state of the work")
        let wire = HTTPRequest(
            method: "GET", url: address, headers: ["Accept": "application/json"],
            timeout: min(.seconds(100), max(deadline.remaining, .milliseconds(1))), maxResponseBytes: 4 << 20,
            allowsPlainHTTP: place.scheme == "http")
        let response: HTTPResponse
        do {
            response = try await client.transport.send(wire)
        } catch {
            throw error.mmError(for: "Asking how far \(request.target.path) is")
        }
        let answer = GraphResponse(status: response.status, headers: response.headers, body: response.body)
        // When the work is done, a monitor redirects to the created item.
        guard response.status < 400 else {
            let asked = WaitAdvice(response.headers, now: client.clock.now).asked
            throw ServiceError(answer).mmError(for: try GraphRequest(target: request.target), retryAfter: asked)
        }
        return answer
    }

    /// Returns whether a URL carries its own authorisation; in the sandbox all services share one host.
    private static func isPermission(_ place: WebAddress) -> Bool {
        place.pathAndQuery.lowercased().hasPrefix("/_api/v2.0/monitor")
    }

    private func pause(_ client: GraphClient, _ asked: Duration?, polls: Int, _ deadline: Deadline)
        async throws(MMError)
    {
        let usual: Duration =
            switch request.target.service {
            case .graph: .seconds(min(1 << min(polls, 4), 15))
            default: .seconds(15)
            }
        let wait = asked ?? usual
        guard wait < deadline.remaining else {
            var error = deadline.exceeded(
                "\(client.service.rawValue) is still working on \(request.method) \(request.target.path)")
            error.hint =
                "The work continues in the service. Allow more time, or use --no-wait and check the result later."
            throw error
        }
        do { try await client.pause(max(wait, .milliseconds(200))) } catch {
            throw MMError(.cancelled, "Waiting was cancelled; the work continues in the service.")
        }
    }

    private func failure(_ body: JSONValue, _ state: String) -> MMError {
        let error = body["error"] ?? body["properties"]?["error"]
        let code = error?["code"]?.string
        let message = error?["message"]?.string ?? body["statusDetail"]?.string ?? ""
        let reason = ServiceError.told(message, ServiceError.reasons(in: error, beside: message))
        var details: JSONObject = ["state": .string(state), "path": .string(request.target.path)]
        if let code { details["code"] = .string(code) }
        return MMError(
            .remoteFailed,
            "\(request.method) \(request.target.path) was started and ended as \(state)"
                + (code.map { " (\($0))" } ?? "") + (reason.isEmpty ? "." : ": \(reason)"), details: details)
    }
}

/// A service's response: its bytes as received, and its headers.
public struct GraphResponse: Sendable {
    /// The status, 200 to 399.
    public let status: Int
    /// The body, unchanged: JSON, an image, a file.
    public let body: [UInt8]
    let fields: HTTPHeaders
    /// The body of a success that is read as a stream; `body` is then empty.
    let stream: HTTPBody?

    package init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
        self.init(status: status, headers: headers, body: body, stream: nil)
    }

    init(status: Int, headers: HTTPHeaders, body: [UInt8], stream: HTTPBody?) {
        self.status = status
        self.body = body
        self.stream = stream
        fields = headers
    }

    /// Returns a header's value; several headers with one name are joined by commas.
    public func header(_ name: String) -> String? { fields[name] }

    /// All headers in the order received.
    public var headers: [(name: String, value: String)] { fields.map { ($0.name, $0.value) } }

    /// The body's media type, in lower case and without parameters: `application/json`, `image/jpeg`.
    public var contentType: String? {
        guard let text = fields["Content-Type"]?.split(separator: ";").first else { return nil }
        return text.trimmed.lowercased()
    }

    /// Whether the body is declared to be JSON.
    public var isJSON: Bool {
        guard let contentType else { return false }
        return contentType == "application/json" || contentType.hasSuffix("+json")
    }

    /// The request id, by which the service's operators can find the request.
    public var requestID: String? { fields["request-id"] ?? fields["x-ms-request-id"] }

    /// The version of the object including its quotes, for `If-Match`.
    public var etag: String? { fields["ETag"] }

    /// Parses the body as JSON.
    /// - Throws: `.remoteFailed` when it isn't JSON.
    public func json() throws(MMError) -> JSONValue {
        do {
            return try JSONParser.parse(body)
        } catch {
            throw MMError(
                .remoteFailed, "The answer can't be read as JSON: \(error).",
                hint: "Read the bytes instead; their content type is \(contentType ?? "not given").")
        }
    }
}
