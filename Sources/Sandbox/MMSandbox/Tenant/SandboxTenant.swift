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
                TenantDoor.Customer(
                    organization: .customer(place + 1), services: services, chain: Self.chain(services, options))
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
            FaultStep(services: services), AzureDataServices.step(services), DelegatedAdministration.routes(services),
            DeviceApproval.routes(services), GraphService.routes(services), UsageReports.routes(services),
            FileStorage.routes(services), SharePointService.routes(services), ExchangeAdminAPI.routes(services),
            PowerPlatformAdministration.routes(services), PowerAutomate.routes(services),
            AzureResourceManager.routes(services), TeamsConfiguration.routes(services), SignInService.routes(services),
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

/// The step that notes what comes in.
struct JournalStep: HTTPMiddleware {
    let services: TenantServices

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        await services.use { $0.journal.note(request) }
        return await next(request, peer)
    }
}

/// Lets in whoever asks for this machine by a loopback name: a web page of somebody else can make a browser send requests
/// here under its own.
struct LoopbackAuthenticator: HTTPAuthenticator {
    func authenticate(_ request: HTTPServerRequest) -> AuthenticationResult<Void> {
        guard let host = request.headers["host"] else { return .admitted(()) }
        let name = host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        guard ["127.0.0.1", "localhost", "[::1]"].contains(name.lowercased()) else {
            return .refused(.text("Not a name of this sandbox.\n", status: 421))
        }
        return .admitted(())
    }
}

/// The step in front of the control plane: only those go on to it who know the secret of the state file.
struct ControlGate: HTTPMiddleware {
    let secret: Secret

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        guard request.segments.first?.lowercased() == "sandbox" else { return await next(request, peer) }
        let bearer = request.headers["authorization"].flatMap {
            $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : nil
        }
        let given = request.headers["x-sandbox-secret"] ?? bearer ?? ""
        guard ConstantTime.equal(Array(given.utf8), Array(secret.reveal().utf8)) else {
            return .failure(401, "unauthorized", "Send the secret of the sandbox's state file as X-Sandbox-Secret.")
        }
        return await next(request, peer)
    }
}

/// The step at which something goes wrong on purpose: an answer instead of the service's own, or one that is held back,
/// broken off or changed.
struct FaultStep: HTTPMiddleware {
    let services: TenantServices

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        let fault = await services.use { $0.faults.take(for: request) }
        guard let fault else { return await next(request, peer) }
        if let answer = await services.use({ $0.faultAnswers.early(fault, request) }) { return answer }
        let answer = await next(request, peer)
        switch fault.kind {
        case .latency(let wait):
            try? await Task.sleep(for: wait)
            return answer
        case .torn(let bytes): return Self.torn(answer, after: bytes)
        default: return await services.use { $0.faultAnswers.changed(answer, by: fault, of: request) }
        }
    }

    private static func torn(_ answer: HTTPServerResponse, after bytes: Int) -> HTTPServerResponse {
        let part = Array(answer.bytes.prefix(min(bytes, max(0, answer.bytes.count - 1))))
        var torn = answer
        torn.body = .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
            try await writer.write(part)
            throw HTTPError(.connectionLost, "The sandbox broke off on purpose.")
        }
        return torn
    }
}

/// The step that hands a request to the tenant that it is for: the one that its path names, else the one that its token was
/// issued by, else the one that a control request asks for, else the one at which the code waits that a person enters. All
/// others are the sandbox's own.
struct TenantDoor: HTTPMiddleware {
    /// A tenant behind the door.
    struct Customer: Sendable {
        let organization: SandboxOrganization
        let services: TenantServices
        let chain: HTTPChain<Void>
    }

    let customers: [Customer]
    /// Tells refresh tokens of the sandbox's own tenant.
    let partner: TenantServices

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        let named = customer(of: request)
        let waiting = named == nil ? await waiting(request) : nil
        guard let place = named ?? waiting else { return await next(request, peer) }
        if let answer = await delegated(request, customers[place].organization) { return answer }
        return await customers[place].chain.respond(to: request, from: peer)
    }

    /// The answer to a partner's person who asks for a token of a customer.
    private func delegated(_ request: HTTPServerRequest, _ customer: SandboxOrganization) async -> HTTPServerResponse? {
        guard request.path.lowercased().hasSuffix("/oauth2/v2.0/token"),
            request.form["grant_type"] == "refresh_token"
        else { return nil }
        return await partner.use { $0.signIn.delegated(request, customer, $0.administration) }
    }

    private func customer(of request: HTTPServerRequest) -> Int? {
        guard !customers.isEmpty else { return nil }
        let segments = request.segments
        if segments.first?.lowercased() == "sandbox" {
            return request.queryFields["tenant"].flatMap { named($0) }
        }
        for segment in segments.prefix(3) { if let place = named(segment) { return place } }
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("bearer ") else {
            return nil
        }
        let parts = header.dropFirst(7).split(separator: ".")
        guard parts.count == 3, let bytes = Base64.bytes(String(parts[1]), alphabet: .url),
            let claims = try? JSONParser.parse(bytes), let tenant = claims["tid"]?.string
        else { return nil }
        return named(tenant)
    }

    /// The customer at which the code waits that a person, or the control request of one, names: there is one page for all.
    private func waiting(_ request: HTTPServerRequest) async -> Int? {
        let code: String? =
            switch request.segments.first?.lowercased() {
            case "devicelogin", "microsoft.com":
                request.queryFields["user_code"] ?? request.queryFields["otc"]
                    ?? (request.method == "POST" ? request.form["user_code"] : nil)
            case "sandbox" where request.segments.last?.lowercased() == "approve":
                (try? JSONParser.parse(request.body))?["userCode"]?.string
            default: nil
            }
        guard let code, !code.isEmpty else { return nil }
        for (place, customer) in customers.enumerated()
        where await customer.services.use({ $0.approval.devices.find(userCode: code) != nil }) {
            return place
        }
        return nil
    }

    private func named(_ segment: String) -> Int? {
        customers.firstIndex { $0.organization.isNamed(by: segment) }
    }
}
