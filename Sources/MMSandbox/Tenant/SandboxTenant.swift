package import MMCore
package import MMHTTP

/// A sandbox tenant that listens: an offline stand-in for Microsoft 365 on this machine's loopback address.
package actor SandboxTenant {
    let services: TenantServices
    private let chain: HTTPChain<Void>
    private let authenticator = LoopbackAuthenticator()
    private let options: SandboxOptions
    private var listener: HTTPListener?
    private let startedAt: Timestamp

    /// Where it is reached, such as `http://127.0.0.1:40213`.
    package private(set) var baseURL: String

    /// A tenant that does not listen yet.
    /// - Parameters:
    ///   - options: how it is set up.
    ///   - base: where it says that it is reached until it listens.
    package init(options: SandboxOptions = SandboxOptions(), base: String = "http://127.0.0.1:1") {
        self.options = options
        baseURL = base
        startedAt = .now
        let services = TenantServices(options: options, base: base)
        self.services = services
        chain = HTTPChain(
            [
                JournalStep(services: services),
                ControlGate(secret: options.controlSecret), ControlPlane.routes(services),
                FaultStep(services: services),
                DeviceApproval.routes(services), GraphService.routes(services), UsageReports.routes(services),
                FileStorage.routes(services), ExchangeService.routes(services),
                PowerPlatformAdministration.routes(services), PowerAutomate.routes(services),
                AzureResourceManager.routes(services), SignInService.routes(services),
            ]
        ) { _, _ in
            .text("<html><body>404 - not found</body></html>\n", status: 404, type: "text/html; charset=utf-8")
        }
    }

    /// What a control request must carry.
    package var controlSecret: Secret { options.controlSecret }

    /// Starts to listen on 127.0.0.1.
    /// - Returns: where it is reached.
    /// - Throws: `.unavailable` when the port or the library can't be had, `.conflict` when it listens already.
    package func start() async throws(MMError) -> String {
        guard listener == nil else { throw MMError(.conflict, "The sandbox listens already on \(baseURL).") }
        var limits = HTTPServerLimits()
        limits.maxBodyBytes = 64 << 20
        let listener = try HTTPListener.start(
            .tcp(host: "127.0.0.1", port: options.port), limits: limits, authenticator: authenticator, chain: chain)
        self.listener = listener
        let base = "http://127.0.0.1:\(listener.port)"
        baseURL = base
        await services.use { $0.context.base = base }
        return base
    }

    /// Stops listening; requests under way get a moment to finish.
    package func stop() async {
        await listener?.stop(graceful: .seconds(1))
        listener = nil
    }

    /// Answers one request without a socket.
    package nonisolated func answer(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        switch authenticator.authenticate(request) {
        case .admitted: await chain.respond(to: request, from: ())
        case .refused(let answer): answer
        }
    }

    /// What the state file says of this tenant.
    package func stateFile() -> SandboxStateFile {
        SandboxStateFile(base: baseURL, secret: options.controlSecret, startedAt: startedAt)
    }
}
