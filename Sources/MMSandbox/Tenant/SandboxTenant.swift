package import MMCore
internal import MMHTTP

/// A sandbox tenant that listens: an offline stand-in for Microsoft 365 on this machine's loopback address.
package actor SandboxTenant {
    private let services: TenantServices
    private var listener: HTTPListener?
    private let startedAt: Timestamp

    /// A tenant that does not listen yet.
    package init(options: SandboxOptions = SandboxOptions()) {
        services = TenantServices(options: options)
        startedAt = .now
    }

    /// Where it is reached, such as `http://127.0.0.1:40213`.
    package var baseURL: String { services.context.base }

    /// What a control request must carry.
    package var controlSecret: Secret { services.context.options.controlSecret }

    /// Starts to listen on 127.0.0.1.
    /// - Returns: where it is reached.
    /// - Throws: `.unavailable` when the port or the library can't be had, `.conflict` when it listens already.
    package func start() throws(MMError) -> String {
        guard listener == nil else {
            throw MMError(.conflict, "The sandbox listens already on \(services.context.base).")
        }
        var limits = HTTPServerLimits()
        limits.maxBodyBytes = 64 << 20
        let listener = try HTTPListener.start(
            .tcp(host: "127.0.0.1", port: services.context.options.port), limits: limits
        ) {
            [self] request in
            await self.serve(request)
        }
        self.listener = listener
        services.context.base = "http://127.0.0.1:\(listener.port)"
        return services.context.base
    }

    /// Stops listening; requests under way get a moment to finish.
    package func stop() async {
        await listener?.stop(graceful: .seconds(1))
        listener = nil
    }

    /// Answers one request without a socket.
    package func answer(_ request: SandboxRequest) -> SandboxResponse { services.answer(request) }

    /// What the state file says of this tenant.
    package func stateFile() -> SandboxStateFile {
        SandboxStateFile(
            base: services.context.base, secret: services.context.options.controlSecret, startedAt: startedAt)
    }

    private nonisolated func serve(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        var headers: [String: String] = [:]
        for field in request.headers {
            let name = field.name.lowercased()
            headers[name] =
                headers[name].map { name == "cookie" ? "\($0); \(field.value)" : "\($0), \(field.value)" }
                ?? field.value
        }
        let answer = await self.answer(
            SandboxRequest(request.method, request.target, headers: headers, body: request.body))
        if answer.delay > .zero { try? await Task.sleep(for: answer.delay) }
        guard let torn = answer.tornAfter else {
            return HTTPServerResponse(status: answer.status, headers: answer.headers, body: .bytes(answer.body))
        }
        let part = Array(answer.body.prefix(torn))
        return HTTPServerResponse(
            status: answer.status, headers: answer.headers,
            body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                try await writer.write(part)
                throw HTTPError(.connectionLost, "The sandbox broke off on purpose.")
            })
    }
}
