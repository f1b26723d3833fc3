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
    let judge: any WireJudge
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

/// Ends what a session's processes have under way on its wire, and lets nothing further pass until it is lifted.
///
/// Most cmdlets don't heed a stop while they wait for an answer: they come to their end when the answer does.
final class RequestCut: Sendable {
    private struct State {
        var isCut = false
        var open: [UInt64: @Sendable () -> Void] = [:]
    }

    /// What the client of a request gets that was cut off: a refusal, because modules try again after anything else.
    static let fault = WireFault(
        403, .stopped, "The command that sent this request is being stopped: its requests are ended with it.")

    private let state = Mutex(State())

    /// Ends everything that is under way.
    func begin() {
        let ends = state.withLock { state in
            state.isCut = true
            defer { state.open = [:] }
            return Array(state.open.values)
        }
        for end in ends { end() }
    }

    /// Lets requests pass again.
    func lift() { state.withLock { $0.isCut = false } }

    /// Does a request's work, which is cancelled when it is cut off.
    /// - Parameters:
    ///   - number: the request's number.
    ///   - drop: ends its connection, where an answer has begun.
    /// - Throws: `fault` for a request that was cut off before it was answered.
    func run(
        _ number: UInt64, dropping drop: @escaping @Sendable () -> Void,
        _ work: @escaping @Sendable () async throws(WireFault) -> Bool
    ) async throws(WireFault) -> Bool {
        guard !state.withLock({ $0.isCut }) else { throw Self.fault }
        let wasCut = FinalMark()
        let task = Task { await Result { () async throws(WireFault) in try await work() } }
        let end: @Sendable () -> Void = {
            wasCut.set()
            task.cancel()
            drop()
        }
        let isLate = state.withLock { state in
            if !state.isCut { state.open[number] = end }
            return state.isCut
        }
        if isLate { end() }
        let outcome = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        state.withLock { _ = $0.open.removeValue(forKey: number) }
        if case .failure = outcome, wasCut.isSet { throw Self.fault }
        return try outcome.get()
    }
}

/// Something that happens at most once and stays so.
private final class FinalMark: Sendable {
    private let mark = Mutex(false)
    var isSet: Bool { mark.withLock { $0 } }
    func set() { mark.withLock { $0 = true } }
}

/// What the wire of a session puts up with.
package struct EgressLimits: Sendable {
    /// How many connections there may be at once.
    package var connections = 512
    /// How long a connection may lie idle between two requests.
    package var idle = Duration.seconds(300)
    /// How long a head, or a TLS handshake, may take once it has begun.
    package var head = Duration.seconds(30)
    /// How long a request's body may stand still.
    package var bodyStall = Duration.seconds(60)
    /// How long a client may leave an answer untaken.
    package var answerStall = Duration.seconds(300)
    /// How long a connection is read from after its last answer, for a client that is still sending.
    package var linger = Duration.seconds(10)
    /// How much of what such a client still sends is taken, and thrown away.
    package var lingerBytes = 64 << 20
    /// How much of a body is read before the judge is asked; what is larger is judged by its beginning.
    package var judgedBytes = 1 << 20
    /// How long a request is held open while somebody is asked. .NET's own patience is 100 s.
    package var hold = Duration.seconds(90)
    /// How long a request waits while its service has asked to slow down; beyond that the client is told to.
    package var pace = Duration.seconds(60)
    /// How long a service may take to begin its answer.
    package var answer = Duration.seconds(1_800)

    /// The usual limits.
    package init() {}
}
