package import MMCore
package import MMHTTP

/// Errors between a front-end and its pool, with hints that say what to do.
package enum PoolFailure {
    /// Returns the error for an exchange that wasn't completed.
    /// - Parameter work: what the pool may have carried out; `nil` for a question that changes nothing.
    package static func error(_ error: HTTPError, _ pool: PoolAddress, during work: String?) -> MMError {
        if error.kind == .cancelled { return MMError(.cancelled, "\(work ?? "Asking the pool") was cancelled.") }
        guard error.mayHaveBeenSent else {
            if error.kind == .invalidRequest { return error.mmError(for: "Calling the pool at \(pool)") }
            // A hint names what to look at, such as a certificate or a proxy on the way. Starting a pool wouldn't help.
            let reason = error.hint == nil ? "." : ": \(error.message)"
            return MMError(
                .unavailable, "The pool at \(pool) can't be reached\(reason)",
                hint: error.hint ?? start(pool), retry: .now,
                details: details(pool, failure: error.kind), cause: error.message)
        }
        return lost(pool, during: work, cause: error.message, failure: error.kind)
    }

    private static func start(_ pool: PoolAddress) -> String {
        switch pool.place {
        case .socket: "Start it with `mm pool start`, or run without it: --embedded."
        case .url: "Start it there: mm pool serve --profile pool --listen HOST:PORT; or leave out the address."
        }
    }

    /// Returns the error for a call whose pool disappeared while it ran.
    /// - Parameters:
    ///   - work: what the pool may have carried out; `nil` for a question that changes nothing.
    ///   - status: the status that a gateway answered instead of the pool.
    static func lost(
        _ pool: PoolAddress, during work: String?, status: Int? = nil, cause: String? = nil,
        failure: HTTPError.Kind? = nil
    ) -> MMError {
        let status = status.map { " (status \($0))" } ?? ""
        let message =
            work.map { "The connection to the pool at \(pool) was lost during \($0)\(status): its outcome is unknown." }
            ?? "The pool at \(pool) doesn't answer\(status)."
        return MMError(
            .unavailable, message, hint: work == nil ? start(pool) : check, details: details(pool, failure: failure),
            cause: cause)
    }

    /// Returns the error for a call whose deadline has passed, and whose pool doesn't answer any more.
    static func silent(_ pool: PoolAddress, during work: String) -> MMError {
        MMError(
            .deadlineExceeded,
            "The deadline of \(work) passed, and the pool at \(pool) no longer answers: its outcome is unknown.",
            hint: check, details: details(pool))
    }

    private static let check =
        "Check `mm pool status` and `mm pool logs`, and the objects that the call changes, before you repeat it."

    /// Returns the error for a peer that answers but is not a pool.
    package static func notAPool(_ pool: PoolAddress) -> MMError {
        MMError(
            .unavailable, "The server at \(pool) isn't a pool of mm.",
            hint: "Check --pool and MM_SESSION_POOL_URL.", details: details(pool))
    }

    /// Returns the error for an unexpected answer.
    static func refusal(_ stream: HTTPStream, _ pool: PoolAddress, during work: String?) async -> MMError {
        let body: [UInt8]
        do throws(HTTPError) {
            body = try await stream.collect(limit: 4 << 20)
        } catch {
            return self.error(error, pool, during: work)
        }
        return refusal(stream.status, body, pool, during: work)
    }

    /// Returns the error for an unexpected answer.
    package static func refusal(_ status: Int, _ body: [UInt8], _ pool: PoolAddress, during work: String?) -> MMError {
        if let object = (try? JSONParser.parse(body))?.object, let error = ErrorWire.error(object) { return error }
        switch status {
        case 401, 403:
            return MMError(
                .forbidden, "The pool at \(pool) refuses this program (status \(status)).",
                hint: "Set MM_POOL_TOKEN to its secret, or MM_POOL_TOKEN_FILE to a file with it.")
        case 413:
            return MMError(
                .limitExceeded, "\(work ?? "The request") is too long for the pool at \(pool) or its gateway.",
                hint: "Send less in one call, or raise the gateway's limit (nginx: client_max_body_size).")
        // A gateway answers for a pool that it doesn't reach.
        case 503:
            var error = lost(pool, during: nil, status: status)
            error.retry = .now
            return error
        // A gateway answers for a pool that may have carried it out.
        case 500...: return lost(pool, during: work, status: status)
        default: return notAPool(pool)
        }
    }

    /// The value of an error's `details["failure"]` if the pool's host name has no address.
    package static let noAddress = "resolve"
    /// The value if the pool's TLS certificate can't be verified.
    package static let noProof = "tls"
    /// The value if a proxy on the way refuses the connection.
    package static let noPassage = "proxy"
    /// The value if what answers doesn't speak HTTP.
    package static let noHTTP = "protocol"

    private static func details(_ pool: PoolAddress, failure: HTTPError.Kind? = nil) -> JSONObject {
        var details: JSONObject = ["pool": .string(pool.description)]
        switch failure {
        case .resolve: details["failure"] = .string(noAddress)
        case .tls: details["failure"] = .string(noProof)
        case .proxy: details["failure"] = .string(noPassage)
        case .protocolViolation: details["failure"] = .string(noHTTP)
        default: break
        }
        return details
    }
}

/// The client side of the pool's protocol: everything this process asks of a pool passes through here.
///
/// A process shares one transport among all its pools, so that libcurl is loaded once and connections are reused.
package struct PoolClient: Sendable {
    /// The pool's address.
    package let address: PoolAddress
    private let transport: any HTTPTransport

    /// Creates a client of a pool. It connects with the first request.
    /// - Parameters:
    ///   - address: the pool's address.
    ///   - transport: the transport that the process shares.
    package init(_ address: PoolAddress, transport: any HTTPTransport) {
        self.address = address
        self.transport = transport
    }

    /// Creates a client of a pool with a transport of its own.
    /// - Parameters:
    ///   - address: the pool's address.
    ///   - environment: the environment of the process, for proxies and certificates.
    package init(_ address: PoolAddress, environment: [String: String]) {
        self.init(
            address, transport: HTTPClient(configuration: HTTPClientConfiguration(environment: environment)))
    }

    /// A pool's answer.
    package struct Reply: Sendable {
        /// The HTTP status.
        package let status: Int
        /// The body; null if it is not JSON.
        package let body: JSONValue
    }

    /// Sends a request and returns the answer, whatever its status.
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - path: the path, such as `/v1/pool/stop`.
    ///   - body: the JSON object to send.
    ///   - limit: the time limit.
    /// - Throws: `unavailable` with the detail `pool` when nothing answers at the address.
    package func ask(
        _ method: String, _ path: String, _ body: JSONObject? = nil, within limit: Duration = .seconds(10)
    ) async throws(MMError) -> Reply {
        var headers: HTTPHeaders = ["Accept": "application/json"]
        if body != nil { headers.set("Content-Type", "application/json") }
        var request = request(method, path, headers: headers, body: body.map { JSONWriter.bytes(.object($0)) })
        request.timeout = limit
        let response = try await send(request, during: method == "GET" ? nil : "\(method) \(path)")
        return Reply(
            status: response.status, body: (try? JSONParser.parse(response.body, limits: AnswerWire.limits)) ?? .null)
    }

    /// Fetches the pool's identity.
    /// - Parameter limit: the time limit.
    /// - Throws: `unavailable` with the detail `pool` when there is no pool.
    package func handshake(within limit: Duration = .seconds(30)) async throws(MMError) -> PoolHandshake {
        var question = request("GET", PoolHandshake.path, headers: ["Accept": "application/json"])
        question.timeout = limit
        let response = try await send(question, during: nil)
        guard response.status == 200 else {
            throw PoolFailure.refusal(response.status, response.body, address, during: nil)
        }
        guard let handshake = (try? JSONParser.parse(response.body)).flatMap({ PoolHandshake($0) }) else {
            throw PoolFailure.notAPool(address)
        }
        return handshake
    }

    /// Creates a request to the pool, for `send` and `open`.
    package func request(
        _ method: String, _ path: String, headers: HTTPHeaders, body: [UInt8]? = nil
    ) -> HTTPRequest {
        address.request(method, path, headers: headers, body: body)
    }

    /// Sends a request and returns the complete answer.
    /// - Parameter work: what the pool may carry out, for the message; `nil` for a question that changes nothing.
    /// - Throws: `unavailable` with the detail `pool` when nothing answers.
    package func send(_ request: HTTPRequest, during work: String?) async throws(MMError) -> HTTPResponse {
        do throws(HTTPError) {
            return try await transport.send(request)
        } catch {
            throw PoolFailure.error(error, address, during: work)
        }
    }

    /// Sends a request and returns the answer as soon as its headers have arrived.
    /// - Throws: the errors of `send`.
    func open(_ request: HTTPRequest, during work: String?) async throws(MMError) -> HTTPStream {
        do throws(HTTPError) {
            return try await transport.open(request)
        } catch {
            throw PoolFailure.error(error, address, during: work)
        }
    }
}
