internal import Glibc
package import MMCore
package import MMHTTP
package import MMSystem

/// A listening sandbox tenant: an offline stand-in for Microsoft 365 on this machine's loopback address.
package actor SandboxTenant {
    let services: TenantServices
    private let customers: [TenantServices]
    private let chain: HTTPChain<Void>
    private let authenticator = LoopbackAuthenticator()
    private let options: SandboxOptions
    private var listener: HTTPListener?
    private let startedAt: Timestamp

    /// The base URL, such as `http://127.0.0.1:40213`.
    package private(set) var baseURL: String

    /// Creates a tenant that doesn't listen yet.
    /// - Parameters:
    ///   - options: the configuration.
    ///   - base: the base URL that it uses until it listens.
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
            customers: customers.enumerated().map { place, own in
                let organization = SandboxOrganization.customer(place + 1)
                let partner = DelegatedTokens(customer: organization, partner: services)
                return TenantDoor.Customer(
                    organization: organization, services: own,
                    chain: Self.chain(own, of: organization, options.controlSecret, admitting: [partner]))
            })
        chain = Self.chain(
            services, of: options.organization, options.controlSecret, behind: customers.isEmpty ? [] : [door])
    }

    /// Returns the services of a tenant, in the order in which they are asked.
    private static func chain(
        _ services: TenantServices, of organization: SandboxOrganization, _ secret: Secret,
        behind door: [any HTTPMiddleware<Void>] = [], admitting partner: [any HTTPMiddleware<Void>] = []
    ) -> HTTPChain<Void> {
        let front: [any HTTPMiddleware<Void>] = [
            JournalStep(services: services),
            ControlGate(secret: secret, organization: organization),
            ControlPlane.routes(services),
            FaultStep(services: services),
        ]
        let steps: [any HTTPMiddleware<Void>] = [
            AzureDataServices.step(services), DelegatedAdministration.routes(services),
            DeviceApproval.routes(services), GraphService.routes(services), UsageReports.routes(services),
            FileStorage.routes(services), SharePointService.routes(services), ExchangeAdminAPI.routes(services),
            PowerPlatformAdministration.routes(services), ResourceGraph.routes(services),
            CostManagement.routes(services), LogWorkspace.routes(services), AzureResourceManager.routes(services),
            PowerAutomate.routes(services), TeamsConfiguration.routes(services), SignInService.routes(services),
        ]
        return HTTPChain(door + front + partner + steps) { _, _ in
            .text("<html><body>404 - not found</body></html>\n", status: 404, type: "text/html; charset=utf-8")
        }
    }

    /// The secret that control requests must carry.
    package var controlSecret: Secret { options.controlSecret }

    /// Starts listening on 127.0.0.1.
    /// - Returns: the base URL.
    /// - Throws: `.unavailable` when the port or the library is unavailable, `.conflict` when it is already listening.
    package func start() async throws(MMError) -> String {
        guard listener == nil else { throw MMError(.conflict, "The sandbox listens already on \(baseURL).") }
        var limits = HTTPServerLimits()
        limits.maxBodyBytes = 64 << 20
        // Uploads may have any size and take any time.
        limits.receiver = UploadReceiver.receiver
        limits.requestTimeout = .seconds(3600)
        let listener = try HTTPListener.start(
            .tcp(host: "127.0.0.1", port: options.port), limits: limits, authenticator: authenticator, chain: chain)
        self.listener = listener
        let base = "http://127.0.0.1:\(listener.port)"
        baseURL = base
        for tenant in [services] + customers { await tenant.use { $0.context.base = base } }
        return base
    }

    /// Stops listening; current requests get a moment to finish.
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

    /// Returns the state file of this tenant.
    package func stateFile() -> SandboxStateFile {
        SandboxStateFile(base: baseURL, secret: options.controlSecret, startedAt: startedAt)
    }
}

/// The step that records requests in the journal.
struct JournalStep: HTTPMiddleware {
    let services: TenantServices

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        await services.use { $0.journal.note(request) }
        return await next(request, peer)
    }
}

/// Admits requests that name this machine by a loopback name: a foreign web page can make a browser send requests here
/// under its own name.
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

/// The step in front of the control plane, which requires the secret of the state file, and the tenant's name where a
/// request names one.
struct ControlGate: HTTPMiddleware {
    let secret: Secret
    let organization: SandboxOrganization

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
        if let name = request.queryFields["tenant"], !organization.isNamed(by: name) {
            return .failure(
                404, "not_found",
                "There is no tenant '\(name.prefix(120))'; customers exist after mm sandbox start --customers NUMBER.")
        }
        return await next(request, peer)
    }
}

/// The step that applies deliberate faults: another answer instead of the service's own, or a delayed, interrupted or
/// changed one.
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

/// The step that passes a request to its tenant: the one that its path names, otherwise the one that issued its token,
/// otherwise the one that a control request asks for, otherwise the one with the code that a person enters. All others
/// go to the sandbox's own tenant.
struct TenantDoor: HTTPMiddleware {
    /// A tenant behind the door.
    struct Customer: Sendable {
        let organization: SandboxOrganization
        let services: TenantServices
        let chain: HTTPChain<Void>
    }

    let customers: [Customer]

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        let named = customer(of: request)
        let waiting = named == nil ? await waiting(request) : nil
        guard let place = named ?? waiting else { return await next(request, peer) }
        return await customers[place].chain.respond(to: request, from: peer)
    }

    private func customer(of request: HTTPServerRequest) -> Int? {
        guard !customers.isEmpty else { return nil }
        let segments = request.segments
        if segments.first?.lowercased() == "sandbox" {
            return request.queryFields["tenant"].flatMap { named($0) }
        }
        // A sign-in names the tenant first, a call of Exchange's API behind the version. Elsewhere a name of a tenant
        // is that of an object.
        let authority = segments.first?.lowercased() == "adminapi" ? segments.dropFirst(2).first : segments.first
        if let place = authority.flatMap({ named($0) }) { return place }
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("bearer ") else {
            return nil
        }
        let parts = header.dropFirst(7).split(separator: ".")
        guard parts.count == 3, let bytes = Base64.bytes(String(parts[1]), alphabet: .url),
            let claims = try? JSONParser.parse(bytes), let tenant = claims["tid"]?.string
        else { return nil }
        return named(tenant)
    }

    /// Returns the customer whose code a person, or a control request, names; one page serves all tenants.
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

/// The step of a customer that gives its tokens to a person at the partner.
struct DelegatedTokens: HTTPMiddleware {
    let customer: SandboxOrganization
    /// The services of the sandbox's own tenant, which recognise its refresh tokens.
    let partner: TenantServices

    func respond(
        to request: HTTPServerRequest, from peer: Void, next: HTTPResponder<Void>
    ) async -> HTTPServerResponse {
        guard request.path.lowercased().hasSuffix("/oauth2/v2.0/token"),
            request.form["grant_type"] == "refresh_token",
            let answer = await partner.use({ $0.signIn.delegated(request, customer, $0.administration) })
        else { return await next(request, peer) }
        return answer
    }
}

/// The services of one tenant, each of which owns its state.
///
/// They are plain types without synchronisation: this actor holds all of them and admits one request at a time.
actor TenantServices {
    nonisolated let clock: WallClock
    let context: TenantContext
    let store: DirectoryStore
    let journal = RequestJournal()
    let faults = FaultPlan()
    let control: ControlPlane
    let faultAnswers: FaultAnswers
    let signIn: SignInService
    let approval: DeviceApproval
    let graph: GraphService
    let files: FileStorage
    let reports: UsageReports
    let exchange: ExchangeAdminAPI
    let azure: AzureResourceManager
    let resourceGraph: ResourceGraph
    let costs: CostManagement
    let logs: LogWorkspace
    let azureData: AzureDataServices
    let sharePoint: SharePointService
    let automate: PowerAutomate
    let platform: PowerPlatformAdministration
    let administration: DelegatedAdministration
    let teams: TeamsConfiguration

    /// Creates a tenant in its initial state.
    /// - Parameters:
    ///   - options: the configuration.
    ///   - base: the base URL, without a trailing slash.
    ///   - mint: the mint of its tokens; all tenants of a sandbox share one.
    init(options: SandboxOptions, base: String, mint: TokenMint) {
        let context = TenantContext(options: options, base: base)
        func people(_ count: Int) -> UserDirectory {
            UserDirectory(count: count, domain: options.organization.domain, now: context.now, mixing: context.mixing)
        }
        let users = people(options.userCount)
        let store = DirectoryStore(
            users: users, mixing: context.mixing, organization: options.organization,
            certificates: options.certificates)
        let outbox = Outbox()
        let policies = AccessPolicies()
        let apps = TenantApps(store: store)
        let issuer = TokenIssuer(context: context, store: store, mint: mint, policies: policies)
        let bearer = BearerCheck(context: context, mint: mint, issuer: issuer)
        let devices = DeviceCodes(context: context, apps: apps, issuer: issuer)
        let pages = ApprovalPages(store: store, forms: FormTokens(context: context, mint: mint))
        let mailboxes = ExchangeMailboxes(users: options.mailboxCount.map(people) ?? users)
        let organization = ExchangeOrganization(context: context, store: store, mailboxes: mailboxes)
        let platformAnswers = PlatformAnswers(context: context, bearer: bearer)
        let files = FileStorage(context: context, store: store, mint: mint)
        let reports = UsageReports(context: context, store: store, mint: mint)
        clock = options.clock
        self.context = context
        self.store = store
        self.files = files
        self.reports = reports
        signIn = SignInService(context: context, apps: apps, issuer: issuer, devices: devices, pages: pages)
        approval = DeviceApproval(
            context: context, apps: apps, devices: devices, issuer: issuer, pages: pages)
        exchange = ExchangeAdminAPI(context: context, store: store, bearer: bearer, organization: organization)
        let subscription = AzureContent()
        let access = AzureAccess(store: store)
        let activities = AzureActivityLog(context: context, store: store)
        azure = AzureResourceManager(
            context: context, answers: platformAnswers, content: subscription, access: access, log: activities)
        resourceGraph = ResourceGraph(
            context: context, answers: platformAnswers, content: subscription, access: access)
        costs = CostManagement(context: context, answers: platformAnswers, content: subscription, access: access)
        let tables = LogTables(context: context, store: store, content: subscription, activities: activities)
        logs = LogWorkspace(
            context: context, answers: platformAnswers, content: subscription, access: access, tables: tables)
        azureData = AzureDataServices(context: context, bearer: bearer, content: subscription, access: access)
        sharePoint = SharePointService(context: context, store: store, bearer: bearer)
        automate = PowerAutomate(context: context, store: store, answers: platformAnswers)
        platform = PowerPlatformAdministration(context: context, store: store, answers: platformAnswers)
        administration = DelegatedAdministration(context: context, bearer: bearer)
        teams = TeamsConfiguration(store: store, bearer: bearer)
        faultAnswers = FaultAnswers(context: context, store: store, devices: devices)
        graph = GraphService(
            context: context, store: store, mint: mint, issuer: issuer, bearer: bearer, organization: organization,
            outbox: outbox, settings: MailboxSettings(store: store), files: files, reports: reports, logs: tables,
            photos: ProfilePhotos(), faults: faults, faultAnswers: faultAnswers)
        control = ControlPlane(
            context: context, store: store, journal: journal, faults: faults, outbox: outbox, devices: devices,
            issuer: issuer, policies: policies)
    }

    /// Runs work with exclusive access to the services.
    func use<Answer: Sendable>(_ work: @Sendable (isolated TenantServices) -> Answer) -> Answer { work(self) }
}

/// The configuration of a sandbox tenant. The defaults suit demonstrations; tests and benchmarks change the numbers.
package struct SandboxOptions: Sendable {
    /// The effect of a refresh on the used refresh token.
    package enum RefreshRotation: Sendable {
        /// The refresh token stays the same.
        case keep
        /// A new one is issued; the old one stays valid, as in Entra ID.
        case renew
        /// A new one is issued and the old one is revoked at once, which finds clients that lose the new one.
        case renewAndRevoke
    }

    /// The seed: two tenants with the same one have the same people, groups, mail and files.
    package var seed: UInt64 = 1
    /// The initial number of users in the directory.
    package var userCount = 5_000
    /// The number of customers that the tenant administers, each a tenant of its own in the same process.
    package var customerCount = 0
    /// The number of users of each customer.
    package var customerUserCount = 12
    /// The identity of the tenant.
    var organization = SandboxOrganization.own
    /// The number of mailboxes in Exchange; `nil` for one per user.
    package var mailboxCount: Int?
    /// The clock of the services.
    package var clock: WallClock = .system
    /// The lifetime of an access token, in seconds.
    package var accessTokenLifetime: Int64 = 4_821
    /// The maximum number of groups in an access token for the tenant's own API; with more, it names none.
    package var groupsInTokens = 200
    /// The lifetime of a device code, in seconds.
    package var deviceCodeLifetime: Int64 = 900
    /// The minimum time between two polls, in seconds.
    package var pollInterval: Int64 = 5
    /// The effect of a refresh on the used refresh token.
    package var refreshRotation: RefreshRotation = .renew
    /// The certificates, in DER, of the confidential app, in addition to its secret.
    package var certificates: [[UInt8]] = []
    /// The secret of the control endpoints; random by default.
    package var controlSecret = Secret(RandomBytes.text(bytes: 24))
    /// The TCP port; 0 for any free one.
    package var port: UInt16 = 0

    /// Creates the default options.
    package init() {}
}

/// The id and names of one tenant of a sandbox: the sandbox's own, or a customer that it administers.
package struct SandboxOrganization: Sendable, Hashable {
    /// The id of the tenant.
    package let id: String
    /// The default domain.
    package let domain: String
    /// The domain with which the tenant was created.
    package let initialDomain: String
    /// The name of the organisation.
    package let name: String

    /// The sandbox's own tenant, the same in every sandbox.
    package static let own = SandboxOrganization(
        id: TenantIdentity.id, domain: TenantIdentity.domain, initialDomain: TenantIdentity.initialDomain,
        name: TenantIdentity.name)

    /// Returns a customer.
    /// - Parameter number: the customer's number, from 1.
    package static func customer(_ number: Int) -> SandboxOrganization {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return SandboxOrganization(
            id: "5a4db0c5-7e11-4c02-9d0e-c05700000000".dropLast(padded.count) + padded,
            domain: "customer-\(number).example", initialDomain: "customer\(number).onmicrosoft.com",
            name: "Customer \(number)")
    }

    /// Returns whether a path segment of an authority names this tenant.
    func isNamed(by segment: String) -> Bool {
        let segment = segment.lowercased()
        return [id, domain, initialDomain].contains(segment)
            || self == .own && Self.anyTenant.contains(segment)
    }

    /// The names that stand for the tenant of whoever signs in.
    static let anyTenant: Set<String> = ["organizations", "common"]
}

/// The file by which other processes of the same user find a running sandbox.
package struct SandboxStateFile: Sendable {
    /// The base address of every service.
    package let base: String
    /// The secret that control requests must carry.
    package let secret: Secret
    /// The process that serves it.
    package let process: ProcessIdentity
    /// The time of the start.
    package let startedAt: Timestamp

    init(base: String, secret: Secret, startedAt: Timestamp) {
        self.base = base
        self.secret = secret
        process = ProcessIdentity(running: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
        self.startedAt = startedAt
    }

    private init(base: String, secret: Secret, process: ProcessIdentity, startedAt: Timestamp) {
        self.base = base
        self.secret = secret
        self.process = process
        self.startedAt = startedAt
    }

    /// Returns the path of the file below the state folder.
    package static func path(in stateDirectory: String) -> String { "\(stateDirectory)/sandbox.json" }

    /// Writes the file, 0600.
    /// - Throws: `MMError` when the folder or the file can't be written.
    package func write(in stateDirectory: String) throws(MMError) {
        let services = [
            "login", "graph", "flow", "arm", "exchange", "compliance", "bap", "powerapps", "powerplatform", "teams",
            "keyvault",
        ]
        var members = JSONObject(services.map { ($0, .string(base)) })
        members["pid"] = .int(Int64(process.pid))
        members["startTime"] = .int(Int64(process.startTime))
        members["startedAt"] = .string(startedAt.iso8601)
        members["secret"] = .string(secret.reveal())
        members["tenantId"] = .string(TenantIdentity.id)
        members["appId"] = .string(TenantIdentity.demoApp)
        members["account"] = .string(TenantIdentity.administrator)
        members["automation"] = [
            "appId": .string(TenantIdentity.automationApp), "secret": .string(TenantIdentity.automationSecret),
        ]
        try ProtectedFile.replace(
            Self.path(in: stateDirectory), with: JSONWriter.bytes(.object(members), layout: .indented(2)) + [0x0A])
    }

    /// Reads the file; returns `nil` when there is none.
    /// - Throws: `MMError` when it can't be read or is damaged.
    package static func read(in stateDirectory: String) throws(MMError) -> SandboxStateFile? {
        let path = path(in: stateDirectory)
        guard let bytes = try ProtectedFile.read(path, limit: 64 << 10) else { return nil }
        guard let json = try? JSONParser.parse(bytes), let base = json["login"]?.string, let pid = json["pid"]?.int,
            let processID = Int32(exactly: pid), processID > 0, let startTime = json["startTime"]?.int,
            let secret = json["secret"]?.string
        else {
            throw MMError(
                .invalidInput, "\(path) is not the state file of a sandbox.",
                hint: "Remove it and start the sandbox again.")
        }
        let startedAt = json["startedAt"]?.string.flatMap { Timestamp(iso8601: $0) } ?? Timestamp(seconds: 0)
        let process = ProcessIdentity(pid: processID, startTime: UInt64(max(0, startTime)))
        return SandboxStateFile(base: base, secret: Secret(secret), process: process, startedAt: startedAt)
    }

    /// Returns the file of the running tenant; `nil` if none runs, even if its process id was reused.
    /// - Throws: `MMError` when the file can't be read or is damaged.
    package static func ofRunning(in stateDirectory: String) throws(MMError) -> SandboxStateFile? {
        guard let file = try read(in: stateDirectory), file.process.isRunning else { return nil }
        return file
    }

    /// Removes the file, if it still belongs to this process.
    /// - Throws: `MMError` when it can't be removed.
    package func remove(in stateDirectory: String) throws(MMError) {
        guard let written = try? Self.read(in: stateDirectory), written.process == process else { return }
        try ProtectedFile.remove(Self.path(in: stateDirectory))
    }
}
