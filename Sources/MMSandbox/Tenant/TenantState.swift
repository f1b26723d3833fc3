internal import MMCore
internal import MMHTTP

/// The whole sandbox tenant as one value: a request goes in, an answer comes out, and what was written is remembered.
///
/// Nothing here knows of sockets or threads; `SandboxTenant` joins it to a listener.
package struct TenantState: Sendable {
    let options: SandboxOptions
    /// Where the sandbox is reached, without a final slash.
    package var base: String
    let mixing: Mixing
    let mint = TokenMint()
    var ledger = SignInLedger()
    var store: DirectoryStore
    var faults = FaultPlan()
    var journal = RequestJournal()
    var uploads: [String: UploadSession] = [:]
    /// Settings of mailboxes that somebody wrote, by owner.
    var mailboxChanges: [String: JSONObject] = [:]
    var flowChanges: [String: FlowChange] = [:]
    /// What Exchange cmdlets wrote.
    var exchange = ExchangeChanges()
    let mailboxes: ExchangeMailboxes

    /// A tenant as it is when nobody has changed anything yet.
    /// - Parameters:
    ///   - options: how it is set up.
    ///   - base: where it is reached, without a final slash.
    package init(options: SandboxOptions = SandboxOptions(), base: String = "http://127.0.0.1:1") {
        self.options = options
        self.base = base
        let mixing = Mixing(seed: options.seed)
        self.mixing = mixing
        let now = options.clock.now.seconds
        func people(_ count: Int) -> UserDirectory {
            UserDirectory(count: count, domain: TenantIdentity.domain, now: now, mixing: mixing)
        }
        let users = people(options.userCount)
        self.store = DirectoryStore(users: users, mixing: mixing)
        mailboxes = ExchangeMailboxes(
            users: options.mailboxCount.map(people) ?? users)
    }

    /// Seconds since 1970, by the clock of the services.
    var now: Int64 { options.clock.now.seconds }

    /// Answers one request.
    package mutating func answer(_ request: SandboxRequest) -> SandboxResponse {
        guard hostIsOurs(request) else {
            return SandboxResponse(
                status: 421, contentType: "text/plain; charset=utf-8", body: Array("Not a name of this sandbox.\n".utf8)
            )
        }
        journal.note(request)
        if request.path.hasPrefix("/sandbox/") { return control(request) }
        let fault = faults.take(for: request)
        if let answer = fault.flatMap({ earlyAnswer($0, request) }) { return answer }
        var answer = route(request)
        if let fault { apply(fault, to: &answer, of: request) }
        return answer
    }

    /// A web page of somebody else can make a browser send requests here under its own name; only loopback names count.
    private func hostIsOurs(_ request: SandboxRequest) -> Bool {
        guard let host = request.headers["host"] else { return true }
        let name = host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        return ["127.0.0.1", "localhost", "[::1]"].contains(name.lowercased())
    }

    private mutating func route(_ request: SandboxRequest) -> SandboxResponse {
        let segments = request.path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        switch segments.first?.lowercased() {
        case nil: return SandboxResponse(status: 302, headers: ["Location": "/devicelogin"])
        case "v1.0", "beta": return graph(request)
        case "devicelogin": return approvalPage(request)
        case "microsoft.com" where segments.count == 2: return approvalPage(request)
        case "providers":
            if segments.count > 1, segments[1].lowercased() == "microsoft.businessappplatform" {
                return powerPlatform(request, segments: segments)
            }
            return flow(request, segments: segments)
        case "subscriptions", "tenants": return azure(request, segments: segments)
        case "_reports": return reportFile(request, segments: segments)
        case "_layouts", "_api": return storage(request, segments: segments)
        case "adminapi": return exchange(request, segments: segments)
        default: return signIn(request, segments: segments)
        }
    }
}
