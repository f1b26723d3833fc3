import MMCore
import MMHTTP
import MMIdentity

/// What all connections of one session share.
final class EgressCore: Sendable {
    let session: String
    /// The port at which the session's processes reach all this.
    let port: UInt16
    let hosts: EgressHosts
    let authority: SessionAuthority
    let vault: PlaceholderVault
    let judge: any RequestJudge
    let tokens: any TokenSource
    let renewal: TokenRenewal
    let transport: any HTTPTransport
    let gate: SignInGate
    let limits: EgressLimits
    let clock: WallClock
    let pace: (@Sendable (CloudHost.Service) -> ServicePace?)?
    let permit: (@Sendable (_ requestClass: String) -> SendPermit?)?
    let processes: (@Sendable () -> [Int32])?
    let usualProcesses: @Sendable () -> [Int32]
    let admits: @Sendable (SignedInIdentity) async -> RequestRefusal?
    let events: @Sendable (EgressEvent) -> Void
    let identity: ProgramIdentity?
    let cut = RequestCut()
    /// What `Proxy-Authorization` must say.
    private let proxyAuthorization: Secret
    private let last = Mutex<UInt64>(0)

    init(
        _ configuration: EgressConfiguration, authority: SessionAuthority, secret: Secret, port: UInt16,
        transport: any HTTPTransport
    ) {
        self.port = port
        session = configuration.session
        hosts = configuration.hosts
        vault = configuration.vault
        judge = configuration.judge
        tokens = configuration.tokens
        limits = configuration.limits
        gate = SignInGate(configuration.signIns)
        clock = configuration.clock
        pace = configuration.pace
        permit = configuration.permit
        processes = configuration.processes
        usualProcesses = configuration.likelyProcesses
        admits = configuration.identityCheck
        events = configuration.events
        identity = configuration.identity
        self.authority = authority
        self.transport = transport
        renewal = TokenRenewal(
            configuration.vault, transport: transport, clock: configuration.clock, events: configuration.events)
        let pair = "\(EgressSession.userName):\(secret.reveal())"
        proxyAuthorization = Secret("Basic " + Base64.text(Array(pair.utf8)))
    }

    /// A number for another request.
    func nextNumber() -> UInt64 {
        last.withLock { last in
            last += 1
            return last
        }
    }

    /// Whether a request proves that its sender knows this session's secret.
    func isAuthenticated(_ headers: HTTPHeaders) -> Bool {
        let given = headers.values(for: "proxy-authorization")
        guard given.count == 1, let value = given.first, value.utf8.count > 6 else { return false }
        // The scheme's name may be written in any case.
        return Secret("Basic " + value.dropFirst(6)) == proxyAuthorization && value.prefix(6).lowercased() == "basic "
    }
}
