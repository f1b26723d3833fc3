package import MMCore
package import MMHTTP

/// A sandbox tenant that listens: an offline stand-in for Microsoft 365 on this machine's loopback address.
package actor SandboxTenant {
    let services: TenantServices
    private let customers: [TenantServices]
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
        let mint = TokenMint()
        let services = TenantServices(options: options, base: base, mint: mint)
        self.services = services
        let customers = (0..<options.customerCount).map { place in
            var own = options
            (own.organization, own.userCount) = (.customer(place + 1), options.customerUserCount)
            (own.customerCount, own.mailboxCount) = (0, nil)
            own.seed = options.seed &+ UInt64(place + 1)
            return TenantServices(options: own, base: base, mint: mint)
        }
        self.customers = customers
        let door = TenantDoor(
            customers: customers.enumerated().map { place, services in
                (SandboxOrganization.customer(place + 1), Self.chain(services, options))
            }, partner: services)
        chain = Self.chain(services, options, behind: customers.isEmpty ? [] : [door])
    }

    /// The services of a tenant, in the order in which they are asked.
    private static func chain(
        _ services: TenantServices, _ options: SandboxOptions, behind door: [any HTTPMiddleware<Void>] = []
    ) -> HTTPChain<Void> {
        let steps: [any HTTPMiddleware<Void>] = [
            JournalStep(services: services),
            ControlGate(secret: options.controlSecret), ControlPlane.routes(services),
            FaultStep(services: services), DelegatedAdministration.routes(services),
            DeviceApproval.routes(services), GraphService.routes(services), UsageReports.routes(services),
            FileStorage.routes(services), ExchangeService.routes(services),
            PowerPlatformAdministration.routes(services), PowerAutomate.routes(services),
            AzureResourceManager.routes(services), SignInService.routes(services),
        ]
        return HTTPChain(door + steps) { _, _ in
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
        for tenant in [services] + customers { await tenant.use { $0.context.base = base } }
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
