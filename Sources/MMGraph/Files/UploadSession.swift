internal import MMCore
internal import MMHTTP
internal import MMIdentity

/// An open upload session: where the pieces of a file go ("Upload large files with an upload session").
///
/// Its address carries its own permission. It gets no credential, and it stays out of logs and errors.
struct UploadSession: Sendable {
    /// What the service says after a piece, or when it is asked how far it is.
    enum Answer: Sendable {
        /// It expects the bytes from here on.
        case expects(Int)
        /// The file is complete; the body describes it.
        case complete([UInt8])
        /// The session is over, or has never been.
        case gone
        /// Nobody knows whether the piece arrived: ask, after this wait.
        case unsure(wait: Duration?)
        /// The service won't take the file.
        case refused(MMError)
    }

    let client: GraphClient
    let request: GraphRequest
    let address: Secret

    /// Uses an address that the service gave.
    /// - Throws: `.denied` for an address that nothing is sent to.
    init(_ address: Secret, client: GraphClient, request: GraphRequest) throws(MMError) {
        guard let parsed = WebAddress(address.reveal()) else {
            throw MMError(.remoteFailed, "\(client.service.rawValue) gave an upload session without a usable address.")
        }
        try client.check(parsed, for: "an upload")
        HeldSecrets.shared.hold(address)
        self.address = address
        self.client = client
        self.request = request
    }

    /// Sends a piece.
    func send(_ bytes: [UInt8], at start: Int, of total: Int, deadline: Deadline) async -> Answer {
        var headers: HTTPHeaders = ["Content-Type": "application/octet-stream"]
        headers.set("Content-Range", "bytes \(start)-\(start + bytes.count - 1)/\(total)")
        return await answer("PUT", headers, bytes, deadline)
    }

    /// Asks how far the service is.
    func status(deadline: Deadline) async -> Answer { await answer("GET", [:], nil, deadline) }

    /// Ends the session; what was sent is dropped. Only a courtesy: the service ends it itself after some time.
    func cancel() async { _ = await answer("DELETE", [:], nil, .after(.seconds(10))) }

    private func answer(_ method: String, _ headers: HTTPHeaders, _ body: [UInt8]?, _ deadline: Deadline) async
        -> Answer
    {
        let wire = HTTPRequest(
            method: method, url: address.reveal(), headers: headers, body: body,
            timeout: min(.seconds(600), max(deadline.remaining, .milliseconds(1))), stallTimeout: .seconds(60),
            maxResponseBytes: 4 << 20, allowsPlainHTTP: address.reveal().hasPrefix("http:"))
        let response: HTTPResponse
        do {
            response = try await client.transport.send(wire)
        } catch {
            client.log.debug("\(method) of an upload session: no answer (\(error.kind))")
            switch error.kind {
            case .cancelled, .invalidRequest, .proxy, .tls, .unavailable:
                return .refused(error.mmError(for: "The upload to \(request.target.path)"))
            default: return .unsure(wait: nil)
            }
        }
        client.log.debug("\(method) of an upload session \(response.status)")
        return judge(GraphResponse(status: response.status, headers: response.headers, body: response.body), method)
    }

    private func judge(_ response: GraphResponse, _ method: String) -> Answer {
        let asked = WaitAdvice(response.fields, now: client.clock.now).asked
        switch response.status {
        case 200...299:
            let value = try? JSONParser.parse(response.body)
            if let ranges = value?["nextExpectedRanges"]?.array {
                let starts = ranges.compactMap { $0.string?.split(separator: "-").first.flatMap { Int($0) } }
                if let start = starts.min() { return .expects(start) }
                return method == "PUT" ? .unsure(wait: nil) : .gone
            }
            return method == "PUT" && response.status != 202 ? .complete(response.body) : .unsure(wait: nil)
        // The permission in the address has ended; a new session brings a new one.
        case 401, 403, 404, 410: return .gone
        case 408, 416, 429, 500...: return response.status == 507 ? refused(response) : .unsure(wait: asked)
        default:
            if ServiceError(response).code == "invalidRange" { return .unsure(wait: asked) }
            return refused(response)
        }
    }

    private func refused(_ response: GraphResponse) -> Answer {
        .refused(ServiceError(response).mmError(for: request, retryAfter: nil))
    }
}
