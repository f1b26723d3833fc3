internal import MMCore

/// The services of one tenant, each of which owns what it remembers, put together.
///
/// They are plain types that know nothing of threads: this actor holds all of them, and lets in one request at a time.
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
    let azureData: AzureDataServices
    let sharePoint: SharePointService
    let automate: PowerAutomate
    let platform: PowerPlatformAdministration
    let administration: DelegatedAdministration
    let teams: TeamsConfiguration

    /// A tenant as it is when nobody has changed anything yet.
    /// - Parameters:
    ///   - options: how it is set up.
    ///   - base: where it is reached, without a final slash.
    ///   - mint: makes its tokens; all tenants of a sandbox share one.
    init(options: SandboxOptions, base: String, mint: TokenMint = TokenMint()) {
        let context = TenantContext(options: options, base: base)
        func people(_ count: Int) -> UserDirectory {
            UserDirectory(count: count, domain: options.organization.domain, now: context.now, mixing: context.mixing)
        }
        let users = people(options.userCount)
        let store = DirectoryStore(users: users, mixing: context.mixing, organization: options.organization)
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
        azure = AzureResourceManager(
            context: context, answers: platformAnswers, content: subscription, catalogue: AzureCatalogue(store: store)
        )
        azureData = AzureDataServices(context: context, bearer: bearer, content: subscription)
        sharePoint = SharePointService(context: context, store: store, bearer: bearer)
        automate = PowerAutomate(context: context, store: store, answers: platformAnswers)
        platform = PowerPlatformAdministration(context: context, answers: platformAnswers)
        administration = DelegatedAdministration(context: context, bearer: bearer)
        teams = TeamsConfiguration(store: store, bearer: bearer)
        faultAnswers = FaultAnswers(context: context, store: store, devices: devices)
        graph = GraphService(
            context: context, store: store, mint: mint, issuer: issuer, bearer: bearer, organization: organization,
            outbox: outbox, settings: MailboxSettings(store: store), files: files, reports: reports, faults: faults,
            faultAnswers: faultAnswers)
        control = ControlPlane(
            context: context, store: store, journal: journal, faults: faults, outbox: outbox, devices: devices,
            issuer: issuer, policies: policies)
    }

    /// Does something with the services, while nobody else does.
    func use<Answer: Sendable>(_ work: @Sendable (isolated TenantServices) -> Answer) -> Answer { work(self) }
}
