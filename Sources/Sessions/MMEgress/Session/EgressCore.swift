package import MMCore
package import MMHTTP
package import MMIdentity

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
    let cmdlets: (@Sendable (_ call: [UInt8]) async -> [UInt8])?
    let cut = RequestCut()
    let open: OpenCount
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
        open = OpenCount(limit: configuration.limits.connections)
        gate = SignInGate(configuration.signIns)
        clock = configuration.clock
        pace = configuration.pace
        permit = configuration.permit
        processes = configuration.processes
        usualProcesses = configuration.likelyProcesses
        admits = configuration.identityCheck
        events = configuration.events
        identity = configuration.identity
        cmdlets = configuration.cmdlets
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
    /// - Parameter field: where it stands.
    func isAuthenticated(_ headers: HTTPHeaders, by field: String = "proxy-authorization") -> Bool {
        let given = headers.values(for: field)
        guard given.count == 1, let value = given.first, value.utf8.count > 6 else { return false }
        // The scheme's name may be written in any case.
        return Secret("Basic " + value.dropFirst(6)) == proxyAuthorization && value.prefix(6).lowercased() == "basic "
    }
}

/// How much is under way: connections, and the streams within those that carry several requests.
final class OpenCount: Sendable {
    private let count = Mutex(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// How much it is now.
    var now: Int { count.withLock { $0 } }

    func enter() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() { count.withLock { $0 -= 1 } }
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
    ///   - stop: what else may end it.
    ///   - drop: ends its connection, where an answer has begun.
    /// - Throws: `fault` for a request that was cut off before it was answered.
    func run(
        _ number: UInt64, ending stop: RequestStop, dropping drop: @escaping @Sendable () -> Void,
        _ work: @escaping @Sendable () async throws(WireFault) -> Bool
    ) async throws(WireFault) -> Bool {
        guard !state.withLock({ $0.isCut }) else { throw Self.fault }
        let wasCut = FinalMark()
        let task = Task { await Result { () async throws(WireFault) in try await work() } }
        stop.adopt(task)
        let end: @Sendable () -> Void = {
            wasCut.set()
            stop()
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
            stop()
        }
        state.withLock { _ = $0.open.removeValue(forKey: number) }
        if case .failure = outcome, wasCut.isSet { throw Self.fault }
        return try outcome.get()
    }
}

/// Ends the work for one request, whoever has a reason to: its client has left, its command is stopped, its session closes.
final class RequestStop: Sendable {
    typealias Work = Task<Result<Bool, WireFault>, Never>

    private let state = Mutex<(work: Work?, isAsked: Bool)>((nil, false))

    /// Takes the work that is to be ended.
    func adopt(_ work: Work) {
        let isAsked = state.withLock { state in
            state.work = work
            return state.isAsked
        }
        if isAsked { work.cancel() }
    }

    func callAsFunction() {
        let work = state.withLock { state in
            state.isAsked = true
            return state.work
        }
        work?.cancel()
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
    /// How many connections and streams of HTTP/2 within them there may be at once.
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

/// Keeps a session's sign-ins to those that the pool has started. A script that asks for a code of its own, or has tokens
/// given to another client, would act with rights that nobody gave to the connection.
final class SignInGate: Sendable {
    /// What a refresh token was given for.
    private struct Grant {
        let client: String
        /// The scopes that were asked for.
        let asked: Set<String>
        /// The scopes that the service named.
        let given: Set<String>
        /// The resources that the sign-in itself was for.
        let first: Set<String>
    }

    private struct State {
        var tenants: Set<String>
        /// The sign-in that `client` belongs to.
        var current: Int?
        /// The one client of that sign-in.
        var client: String?
        /// Clients that have signed in with a credential of their own, in a sign-in of the pool.
        var apps: Set<String> = []
        /// By placeholder.
        var grants: [String: Grant] = [:]
    }

    /// Names that stand for no tenant.
    private static let common: Set<String> = ["common", "organizations", ".well-known", "getuserrealm.srf"]
    /// Scopes that give nothing but who signed in.
    private static let plainScopes: Set<String> = ["openid", "profile", "email", "offline_access"]
    private static let mostGrants = 256

    private let rules: SignInRules
    private let state: Mutex<State>

    init(_ rules: SignInRules) {
        self.rules = rules
        state = Mutex(State(tenants: rules.tenants))
    }

    /// Refuses what is no step of a sign-in that the pool has started, and no renewal of what came of one.
    func check(_ request: DescribedRequest) throws(WireFault) {
        let path = String(request.target.prefix { $0 != "?" })
        let segments = (PercentCoding.decode(path.utf8) ?? path).lowercased().split(separator: "/").map(String.init)
        try checkTenant(segments.first ?? "")
        let kind = segments.contains("oauth2") ? segments.last ?? "" : ""
        var form: FormFields?
        if case .whole(let body) = request.body { form = FormFields(reading: body) }
        switch kind {
        case "token":
            let grant = form?["grant_type"]?.lowercased() ?? ""
            if grant == "refresh_token" { return try checkRenewal(form) }
            try checkFirst(form?["client_id"], isCredential: grant == "client_credentials")
        case "devicecode", "authorize":
            let query = request.target.firstIndex(of: "?").map { request.target[$0...].dropFirst() } ?? ""
            try checkFirst(form?["client_id"] ?? FormFields(reading: Array(query.utf8))?["client_id"])
        default:
            let isQuestion = kind.isEmpty && segments.last == "getcredentialtype"
            guard request.method == "GET" || request.method == "HEAD" || isQuestion else {
                throw Self.refused("Sessions send nothing else to the sign-in service.")
            }
        }
    }

    /// An account was admitted: its tenant is the session's.
    func admit(tenant: String) { state.withLock { _ = $0.tenants.insert(tenant.lowercased()) } }

    /// A refresh token was given, in the place of which the session holds a placeholder.
    /// - Parameters:
    ///   - placeholder: what the session holds.
    ///   - form: what was asked.
    ///   - scopes: what the service says that it gave.
    func gave(_ placeholder: String, for form: FormFields?, scopes: String?) {
        guard let client = form?["client_id"] else { return }
        state.withLock { state in
            // A renewal hands on what the first one was for.
            let before = form?["refresh_token"].flatMap { state.grants[$0] }
            let asked = (before?.asked ?? []).union(Self.scopes(of: form))
            let given = (before?.given ?? []).union(Self.words(scopes ?? ""))
            if state.grants.count >= Self.mostGrants, let any = state.grants.keys.first { state.grants[any] = nil }
            let first = before?.first ?? Self.resources(of: asked.union(given))
            state.grants[placeholder] = Grant(client: client.lowercased(), asked: asked, given: given, first: first)
        }
    }

    /// Whether a renewal asks for what its sign-in was for, and for no further service.
    func isForFirst(_ form: FormFields?) -> Bool {
        guard let token = form?["refresh_token"], let grant = state.withLock({ $0.grants[token] }) else { return true }
        return Self.resources(of: Self.scopes(of: form)).isSubset(of: grant.first)
    }

    // MARK: Rules

    private func checkTenant(_ name: String) throws(WireFault) {
        guard !Self.common.contains(name), !state.withLock({ $0.tenants.contains(name) }) else { return }
        throw Self.refused(
            "\(name.isEmpty ? "The sign-in service's own page" : name) is not a tenant of this connection. The owner adds "
                + "another one to egress.allow, by the name or id that stands in the path.")
    }

    /// A first token, or a step on the way to one.
    private func checkFirst(_ client: String?, isCredential: Bool = false) throws(WireFault) {
        guard let client = client?.lowercased(), !client.isEmpty else {
            throw Self.refused("A sign-in names its client.")
        }
        let current = rules.current()
        let isOwn = state.withLock { state in
            // What an app proves by itself it may prove again: nobody renews its tokens but with the same proof.
            guard let current else { return isCredential && state.apps.contains(client) }
            if state.current != current { (state.current, state.client) = (current, nil) }
            if state.client == nil { state.client = client }
            guard state.client == client else { return false }
            if isCredential { state.apps.insert(client) }
            return true
        }
        guard isOwn else {
            throw Self.refused(
                current == nil
                    ? "Only mm signs a session in, before its commands run. Sign in with mm login, or reset the session."
                    : "Another client signs in at the moment.")
        }
    }

    private func checkRenewal(_ form: FormFields?) throws(WireFault) {
        // What is no placeholder of a refresh token is refused as such, by whoever puts the token in.
        guard let token = form?["refresh_token"], let grant = state.withLock({ $0.grants[token] }) else { return }
        guard form?["client_id"]?.lowercased() == grant.client else {
            throw Self.refused("A refresh token is renewed by the client that it was given to.")
        }
        let narrow = Set(grant.asked.filter { !$0.hasSuffix("/.default") }.map(Self.audience))
        for scope in Self.scopes(of: form) {
            if Self.plainScopes.contains(scope) || grant.asked.contains(scope) || grant.given.contains(scope) {
                continue
            }
            // All that the client was granted of another resource: what the sign-in asked for as a whole.
            if scope.hasSuffix("/.default"), !narrow.contains(Self.audience(scope)) { continue }
            throw Self.refused("The session's sign-in was not for \(scope).")
        }
    }

    // MARK: Scopes

    private static func scopes(of form: FormFields?) -> Set<String> {
        var found = Set(words(form?["scope"] ?? ""))
        if let resource = form?["resource"] { found.insert(CloudHost.audience(resource) + "/.default") }
        return found
    }

    private static func words(_ text: String) -> [String] {
        text.lowercased().split(whereSeparator: { $0 == " " || $0 == "+" }).map { word in
            // Some resources end with a slash of their own.
            word.hasSuffix("//.default") ? CloudHost.audience(String(word.dropLast(9))) + "/.default" : String(word)
        }
    }

    private static func resources(of scopes: Set<String>) -> Set<String> {
        Set(scopes.filter { !plainScopes.contains($0) }.map(audience))
    }

    /// The resource of a scope; one without is Graph's.
    private static func audience(_ scope: String) -> String {
        guard let end = scope.lastIndex(of: "/") else {
            return plainScopes.contains(scope) ? "" : "https://graph.microsoft.com"
        }
        return CloudHost.audience(String(scope[..<end]))
    }

    private static func refused(_ message: String) -> WireFault {
        WireFault(403, .signIn, "The sign-in was not sent: \(message)")
    }
}

/// What the wire of one session needs from those above it.
package struct EgressConfiguration: Sendable {
    /// The session's name, for records.
    package var session: String
    /// The hosts that it may reach.
    package var hosts: EgressHosts
    /// Decides what is sent.
    package var judge: any WireJudge
    /// Gives fresh tokens for placeholders of the connection's own sign-in.
    package var tokens: any TokenSource
    /// The session's placeholders.
    package var vault: PlaceholderVault
    /// Where the files of the session are put: a folder that its processes may read.
    package var folder: String
    /// The processes of the session, which alone may use its wire; nil admits every process that knows the proxy's secret.
    package var processes: (@Sendable () -> [Int32])?
    /// Those of them that use it most: they are looked at first, because to find all takes longer.
    package var likelyProcesses: @Sendable () -> [Int32] = { [] }
    /// Whether somebody who signed in within the session is the right one: nil, or why not. Tokens of anybody else are withheld.
    package var identityCheck: @Sendable (SignedInIdentity) async -> RequestRefusal?
    /// The identity that its programs find; nil where they find none.
    package var identity: ProgramIdentity?
    /// Carries out the call of a cmdlet in the session of another module, and returns what came of it; nil where there are none.
    package var cmdlets: (@Sendable (_ call: [UInt8]) async -> [UInt8])?
    /// Which sign-ins the session may make by itself; by themselves none.
    package var signIns = SignInRules()
    /// When requests to a service may go out; nil asks nobody.
    package var pace: (@Sendable (CloudHost.Service) -> ServicePace?)?
    /// What is asked as the last thing before a request of a class leaves, and again before more is said on a web socket; nil asks
    /// nobody.
    package var permit: (@Sendable (_ requestClass: String) -> SendPermit?)?
    /// Is told what happens. It must be short.
    package var events: @Sendable (EgressEvent) -> Void
    /// The client that sends; nil makes one for this session, from `environment`.
    package var transport: (any HTTPTransport)?
    /// The variables of the process: the user's own outer proxy and trust store.
    package var environment: [String: String]
    /// What it puts up with.
    package var limits = EgressLimits()
    /// The time of day.
    package var clock = WallClock.system

    /// A configuration.
    /// - Parameters:
    ///   - session: the session's name.
    ///   - hosts: the hosts that it may reach.
    ///   - judge: decides what is sent.
    ///   - tokens: gives fresh tokens.
    ///   - vault: the session's placeholders.
    ///   - folder: where its files are put.
    ///   - environment: the variables of the process.
    ///   - events: is told what happens.
    package init(
        session: String, hosts: EgressHosts, judge: any WireJudge, tokens: any TokenSource,
        vault: PlaceholderVault = PlaceholderVault(), folder: String, environment: [String: String],
        events: @escaping @Sendable (EgressEvent) -> Void
    ) {
        self.session = session
        self.hosts = hosts
        self.judge = judge
        self.tokens = tokens
        self.vault = vault
        self.folder = folder
        self.environment = environment
        self.events = events
        identityCheck = { _ in nil }
    }
}

/// What happens on the wire of a session, for audit, metrics and those who wait for a sign-in.
package enum EgressEvent: Sendable {
    /// A request has ended, whatever became of it.
    case request(EgressRecord)
    /// A connection was refused before it held a request that could be read.
    case refusedConnection(WireFault, host: String?)
    /// A placeholder arrived where its token is not taken: something carried it there.
    case placeholderElsewhere(host: String, audience: String?)
    /// A credential arrived that this session was not given by us.
    case foreignCredential(host: String)
    /// A request is held open while somebody is asked.
    case held(number: UInt64, host: String, method: String)
    /// Something happened at the sign-in service.
    case signIn(SignInEvent)
}

/// A step of a sign-in that a session makes by itself.
package enum SignInEvent: Sendable {
    /// Somebody must open an address and enter a code.
    case code(SignInCode)
    /// The sign-in service waits for the person; where there is trouble, it can't be asked for the moment, and will be again.
    case pending(trouble: String?)
    /// Somebody signed in.
    case signedIn(SignedInIdentity)
    /// The sign-in service gave a refresh token, for the cache of those who want it there.
    case refreshToken(RenewalGrant, SignedInIdentity?)
    /// The sign-in ended without a token.
    case failed(EntraError)
    /// What the session was signed in with is good no more: a person has to sign in again.
    /// - Parameter isModules: whether the module had signed in by itself, not with the connection's tokens.
    case over(MMError, isModules: Bool)
}

/// A device code, as a person needs it.
package struct SignInCode: Sendable, Hashable {
    /// What the person types.
    package let userCode: String
    /// Where the person types it.
    package let address: String
    /// When it ends.
    package let expiresAt: Timestamp
    /// The app that signs in.
    package let clientID: String?
}

/// Who signed in, as the sign-in service says.
package struct SignedInIdentity: Sendable, Hashable {
    /// The tenant's id.
    package let tenantID: String
    /// The account's id in that tenant.
    package let objectID: String
    /// The name by which the account signs in; nil for apps.
    package let username: String?
    /// The app that signed in.
    package let clientID: String?
}

/// One request of a session, as it is remembered: what was asked of whom, and how it ended. It holds no content.
package struct EgressRecord: Sendable, Hashable {
    /// The session.
    package let session: String
    /// The request's number within the session.
    package let number: UInt64
    /// When it came.
    package let time: Timestamp
    /// How long it took, from its head to the answer's last byte.
    package let duration: Duration
    /// The method.
    package let method: String
    /// The host, with the port where it is not the scheme's own.
    package let host: String
    /// The path with ids, keys and addresses replaced, and without its query.
    package let pathTemplate: String
    /// The class that the judge gave it; nil where it never came before the judge.
    package let requestClass: String?
    /// What it deploys; nothing for other requests.
    package let templates: [DeployedTemplate]
    /// The status that the client got; 0 where it had gone.
    package let status: Int
    /// Why it was not sent, or how it broke; nil where the service answered it.
    package let fault: String?
    /// The bytes of the request's body.
    package let bytesUp: Int
    /// The bytes of the answer's body.
    package let bytesDown: Int
    /// What the service calls this request: `request-id` and its like.
    package let requestID: String?
    /// Whether it began to leave this machine.
    package let wasSent: Bool
}
