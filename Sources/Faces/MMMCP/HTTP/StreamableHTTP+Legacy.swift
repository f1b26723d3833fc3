import MMCore

/// The legacy era: calls within sessions, with streams that a client may resume.
extension StreamableHTTP {
    func postLegacy(
        _ request: MCPHTTPRequest, _ message: Message, _ principal: Principal
    ) async -> MCPHTTPResponse {
        var id: RequestID?
        if case .request(let incoming) = message { id = incoming.id }
        if case .malformed(let found, let error) = message { return .error(error, status: 400, id: found) }
        let session: HTTPSession
        var isNew = false
        switch find(request, principal) {
        case .success(let found): session = found
        case .failure(let refusal):
            guard refusal.status == 400, case .request(let incoming) = message, incoming.method == "initialize" else {
                return .error(MCPError(code: -32600, refusal.message), status: refusal.status, id: id)
            }
            do throws(NoRoom) { session = try open(principal) } catch {
                let told: MCPError =
                    switch error {
                    case .own: .tooManyCalls("You have as many sessions as one may have; end some first", seconds: 60)
                    case .all: .internalError("There are too many sessions; end some first.")
                    }
                return .error(told, status: error == .own ? 429 : 503, id: id).with("Retry-After", "60")
            }
            isNew = true
        }
        let response = await serveLegacy(session, message, size: request.body.count)
        guard isNew else { return response }
        guard session.session.version != nil else {
            // The handshake failed: there is no session.
            close(session)
            return response
        }
        return response.with("Mcp-Session-Id", session.id)
    }

    private func serveLegacy(_ session: HTTPSession, _ message: Message, size: Int) async -> MCPHTTPResponse {
        let (number, buffer) = session.openStream()
        // Kept from the start: the call continues when its client is cut off, and the client may come back for it.
        let isCall =
            switch message {
            case .request, .batch: true
            default: false
            }
        session.session.receive(message, size: size, via: buffer)
        guard isCall else { return MCPHTTPResponse(status: 202) }
        switch await buffer.firstOutcome(patience: options.streamingDelay) {
        case .answer(let bytes): return .json(bytes, status: Self.legacyStatus(buffer.errorCode))
        case .streamed(let reply):
            let body = StreamedBody(reply) { buffer.finishedSending() }
            return .streamed(body, status: Self.legacyStatus(buffer.errorCode))
        case .nothing:
            if case .batch = message { return MCPHTTPResponse(status: 202) }
            // The client cancelled its request and expects no answer, but HTTP requires one.
            return MCPHTTPResponse(status: 202)
        case .stream:
            session.keep(number, buffer)
            guard let stream = session.connect(buffer, after: nil) else { return Self.stopping(nil) }
            return .events(stream)
        }
    }

    private static func legacyStatus(_ code: Int?) -> Int {
        code == -32600 || code == -32700 ? 400 : 200
    }

    func get(_ request: MCPHTTPRequest, _ principal: Principal) -> MCPHTTPResponse {
        guard Accept(request).takes("text", "event-stream") else {
            return HTTPAdmission.Refusal(406, "Accept must name text/event-stream.").response
        }
        let session: HTTPSession
        switch find(request, principal) {
        case .success(let found): session = found
        // Some clients send GET before they have a session, and cope best with 405.
        case .failure(let refusal) where refusal.status == 400:
            return HTTPAdmission.Refusal(
                405, "GET opens the stream of a session, and this request names none: POST `initialize` first.",
                [("Allow", "POST")]
            ).response
        case .failure(let refusal): return refusal.response
        }
        if let last = request.value(of: "Last-Event-ID") {
            guard let (buffer, number) = session.place(of: last), let stream = session.connect(buffer, after: number)
            else { return HTTPAdmission.Refusal(400, "No stream of this session still has this event.").response }
            return .events(stream)
        }
        guard !session.home.isConnected else {
            return HTTPAdmission.Refusal(409, "This session has a stream already.").response
        }
        guard let stream = session.connect(session.home, after: nil) else { return Self.stopping(nil) }
        return .events(stream)
    }

    func delete(_ request: MCPHTTPRequest, _ principal: Principal) -> MCPHTTPResponse {
        switch find(request, principal) {
        case .success(let session):
            close(session)
            // Not 204: some clients accept only 200 as success here.
            return MCPHTTPResponse(status: 200)
        case .failure(let refusal): return refusal.response
        }
    }
}
