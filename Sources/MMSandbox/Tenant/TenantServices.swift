internal import MMCore
internal import MMHTTP

/// The services of one tenant, each of which owns what it remembers, put together.
///
/// They are plain types that know nothing of threads: who holds this holds all of them, and lets one request in at a time.
package final class TenantServices {
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
    let exchange: ExchangeService
    let azure: AzureResourceManager
    let automate: PowerAutomate
    let platform: PowerPlatformAdministration

    /// A tenant as it is when nobody has changed anything yet.
    /// - Parameters:
    ///   - options: how it is set up.
    ///   - base: where it is reached, without a final slash.
    package init(options: SandboxOptions = SandboxOptions(), base: String = "http://127.0.0.1:1") {
        let context = TenantContext(options: options, base: base)
        func people(_ count: Int) -> UserDirectory {
            UserDirectory(count: count, domain: TenantIdentity.domain, now: context.now, mixing: context.mixing)
        }
        let users = people(options.userCount)
        let store = DirectoryStore(users: users, mixing: context.mixing)
        let mint = TokenMint()
        let outbox = Outbox()
        let issuer = TokenIssuer(context: context, store: store, mint: mint)
        let bearer = BearerCheck(context: context, mint: mint, issuer: issuer)
        let devices = DeviceCodes(context: context, issuer: issuer)
        let pages = ApprovalPages(store: store, forms: FormTokens(context: context, mint: mint))
        let mailboxes = ExchangeMailboxes(users: options.mailboxCount.map(people) ?? users)
        let organization = ExchangeOrganization(context: context, store: store, mailboxes: mailboxes)
        let platformAnswers = PlatformAnswers(context: context, bearer: bearer)
        let files = FileStorage(context: context, store: store, mint: mint)
        let reports = UsageReports(context: context, store: store, mint: mint)
        self.context = context
        self.store = store
        self.files = files
        self.reports = reports
        signIn = SignInService(context: context, issuer: issuer, devices: devices, pages: pages)
        approval = DeviceApproval(context: context, devices: devices, issuer: issuer, pages: pages)
        exchange = ExchangeService(context: context, store: store, bearer: bearer, organization: organization)
        azure = AzureResourceManager(context: context, answers: platformAnswers)
        automate = PowerAutomate(context: context, store: store, answers: platformAnswers)
        platform = PowerPlatformAdministration(context: context, answers: platformAnswers)
        faultAnswers = FaultAnswers(context: context, store: store, devices: devices, signIn: signIn)
        graph = GraphService(
            context: context, store: store, mint: mint, issuer: issuer, bearer: bearer, organization: organization,
            outbox: outbox, files: files, reports: reports, faults: faults, faultAnswers: faultAnswers)
        control = ControlPlane(
            context: context, store: store, journal: journal, faults: faults, outbox: outbox, devices: devices,
            issuer: issuer)
    }

    /// Answers one request.
    package func answer(_ request: SandboxRequest) -> SandboxResponse {
        guard hostIsOurs(request) else {
            return SandboxResponse(
                status: 421, contentType: "text/plain; charset=utf-8", body: Array("Not a name of this sandbox.\n".utf8)
            )
        }
        journal.note(request)
        if request.path.hasPrefix("/sandbox/") { return control.answer(request) }
        let fault = faults.take(for: request)
        if let answer = fault.flatMap({ faultAnswers.early($0, request) }) { return answer }
        var answer = route(request)
        if let fault { faultAnswers.apply(fault, to: &answer, of: request) }
        return answer
    }

    /// A web page of somebody else can make a browser send requests here under its own name; only loopback names count.
    private func hostIsOurs(_ request: SandboxRequest) -> Bool {
        guard let host = request.headers["host"] else { return true }
        let name = host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        return ["127.0.0.1", "localhost", "[::1]"].contains(name.lowercased())
    }

    private func route(_ request: SandboxRequest) -> SandboxResponse {
        let segments = request.path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        switch segments.first?.lowercased() {
        case nil: return SandboxResponse(status: 302, headers: ["Location": "/devicelogin"])
        case "v1.0", "beta": return graph.answer(request)
        case "devicelogin": return approval.answer(request)
        case "microsoft.com" where segments.count == 2: return approval.answer(request)
        case "providers":
            if segments.count > 1, segments[1].lowercased() == "microsoft.businessappplatform" {
                return platform.answer(request, segments: segments)
            }
            return automate.answer(request, segments: segments)
        case "subscriptions", "tenants": return azure.answer(request, segments: segments)
        case "_reports": return reports.file(request, segments: segments)
        case "_layouts", "_api": return files.answer(request, segments: segments)
        case "adminapi": return exchange.answer(request, segments: segments)
        default: return signIn.answer(request, segments: segments)
        }
    }
}
