package import MMCore
package import MMHTTP
package import MMIdentity

/// The state that all connections of one session share.
final class EgressCore: Sendable {
    let settings: EgressConfiguration
    /// The proxy's port for the session's processes.
    let port: UInt16
    let authority: SessionAuthority
    let renewal: TokenRenewal
    let transport: any HTTPTransport
    let gate: SignInGate
    let cut = RequestCut()
    let open: OpenCount
    /// The required value of `Proxy-Authorization`.
    private let proxyAuthorization: Secret
    private let last = Mutex<UInt64>(0)

    init(
        _ settings: EgressConfiguration, authority: SessionAuthority, secret: Secret, port: UInt16,
        transport: any HTTPTransport
    ) {
        self.settings = settings
        self.port = port
        self.authority = authority
        self.transport = transport
        open = OpenCount(limit: settings.limits.connections)
        gate = SignInGate(settings.signIns)
        renewal = TokenRenewal(
            settings.vault, transport: transport, clock: settings.clock, events: settings.events)
        let pair = "\(EgressSession.userName):\(secret.reveal())"
        proxyAuthorization = Secret("Basic " + Base64.text(Array(pair.utf8)))
    }

    /// Returns a new request number.
    func nextNumber() -> UInt64 {
        last.withLock { last in
            last += 1
            return last
        }
    }

    /// Returns whether a request proves that its sender knows this session's secret.
    /// - Parameter field: the header field that contains it.
    func isAuthenticated(_ headers: HTTPHeaders, by field: String = "proxy-authorization") -> Bool {
        let given = headers.values(for: field)
        guard given.count == 1, let value = given.first, value.utf8.count > 6 else { return false }
        // The scheme's name may be written in any case.
        return Secret("Basic " + value.dropFirst(6)) == proxyAuthorization && value.prefix(6).lowercased() == "basic "
    }
}

/// The number of open connections, and of open streams within connections that carry several requests.
final class OpenCount: Sendable {
    private let count = Mutex(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// The current number.
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

/// Ends the open requests of a session's processes, and refuses further ones until it is lifted.
///
/// Most cmdlets ignore a stop while they wait for an answer, so the answer must end first.
final class RequestCut: Sendable {
    private struct State {
        var isCut = false
        var open: [UInt64: @Sendable () -> Void] = [:]
    }

    /// The answer to a request that was cut off. It is a 403 because modules retry after other errors.
    static let fault = WireFault(
        403, .stopped, "The command that sent this request is being stopped, and its requests with it.")

    private let state = Mutex(State())

    /// Ends all open requests.
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

    /// Does a request's work, and cancels it when requests are cut off.
    /// - Parameters:
    ///   - number: the request's number.
    ///   - stop: ends the work for other reasons.
    ///   - drop: closes the request's connection if an answer has begun.
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

/// Cancels the work for one request: when its client has left, its command is stopped or its session closes.
final class RequestStop: Sendable {
    typealias Work = Task<Result<Bool, WireFault>, Never>

    private let state = Mutex<(work: Work?, isAsked: Bool)>((nil, false))

    /// Sets the work to cancel, and cancels it at once if a stop was already requested.
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

/// A flag that can be set once and isn't reset.
private final class FinalMark: Sendable {
    private let mark = Mutex(false)
    var isSet: Bool { mark.withLock { $0 } }
    func set() { mark.withLock { $0 = true } }
}

/// The limits of a session's proxy.
package struct EgressLimits: Sendable {
    /// The maximum number of open connections and HTTP/2 streams.
    package var connections = 512
    /// The maximum time that a connection may be idle between two requests.
    package var idle = Duration.seconds(300)
    /// The maximum time for a request's head or a TLS handshake once it has begun.
    package var head = Duration.seconds(30)
    /// The maximum time without a byte of a request's body.
    package var bodyStall = Duration.seconds(60)
    /// The maximum time that a client may leave an answer unread.
    package var answerStall = Duration.seconds(300)
    /// The maximum time for which a connection is read after its last answer, for a client that is still sending.
    package var linger = Duration.seconds(10)
    /// The maximum number of bytes that are read from such a client and discarded.
    package var lingerBytes = 64 << 20
    /// The maximum number of body bytes that are read before the judge is asked; a larger body is judged by its
    /// beginning.
    package var judgedBytes = 1 << 20
    /// The maximum time for which a request is held while a person is asked. .NET's default timeout is 100 s.
    package var hold = Duration.seconds(90)
    /// The maximum time that a request waits when its service has asked to slow down; for a longer wait the client is
    /// told to retry.
    package var pace = Duration.seconds(60)
    /// The maximum time until a service begins its answer.
    package var answer = Duration.seconds(1_800)

    /// Creates the default limits.
    package init() {}
}

/// Allows only the sign-ins that the pool has started. A script that requests a device code itself, or tokens for
/// another client, would act with rights that the connection wasn't given.
final class SignInGate: Sendable {
    /// The purpose of an issued refresh token.
    private struct Grant {
        let client: String
        /// The requested scopes.
        let asked: Set<String>
        /// The scopes that the service said it granted.
        let given: Set<String>
        /// The resources of the original sign-in.
        let first: Set<String>
    }

    private struct State {
        var tenants: Set<String>
        /// The number of the sign-in that `client` belongs to.
        var current: Int?
        /// The only client allowed in that sign-in.
        var client: String?
        /// The clients that have signed in with their own credential in a sign-in of the pool.
        var apps: Set<String> = []
        /// The grants by placeholder of their refresh token.
        var grants: [String: Grant] = [:]
    }

    /// First path segments that don't name a tenant.
    private static let common: Set<String> = ["common", "organizations", ".well-known", "getuserrealm.srf"]
    /// Scopes that grant nothing but the identity of the account.
    private static let plainScopes: Set<String> = ["openid", "profile", "email", "offline_access"]
    private static let mostGrants = 256

    private let rules: SignInRules
    private let state: Mutex<State>

    init(_ rules: SignInRules) {
        self.rules = rules
        state = Mutex(State(tenants: rules.tenants))
    }

    /// Refuses a request unless it is a step of a sign-in that the pool has started, or a renewal of a token from one.
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
                throw Self.refused("Sessions can send only token requests to the sign-in service.")
            }
        }
    }

    /// Adds the tenant of an admitted account to the session's tenants.
    func admit(tenant: String) { state.withLock { _ = $0.tenants.insert(tenant.lowercased()) } }

    /// Records the grant of a refresh token for which the session holds a placeholder.
    /// - Parameters:
    ///   - placeholder: the placeholder that the session holds.
    ///   - form: the fields of the request.
    ///   - scopes: the scopes that the service said it granted.
    func gave(_ placeholder: String, for form: FormFields?, scopes: String?) {
        guard let client = form?["client_id"] else { return }
        state.withLock { state in
            // A renewed token keeps the purpose of the token before it.
            let before = form?["refresh_token"].flatMap { state.grants[$0] }
            let asked = (before?.asked ?? []).union(Self.scopes(of: form))
            let given = (before?.given ?? []).union(Self.words(scopes ?? ""))
            if state.grants.count >= Self.mostGrants, let any = state.grants.keys.first { state.grants[any] = nil }
            let first = before?.first ?? Self.resources(of: asked.union(given))
            state.grants[placeholder] = Grant(client: client.lowercased(), asked: asked, given: given, first: first)
        }
    }

    /// Returns whether a renewal asks only for the resources of its original sign-in.
    func isForFirst(_ form: FormFields?) -> Bool {
        guard let token = form?["refresh_token"], let grant = state.withLock({ $0.grants[token] }) else { return true }
        return Self.resources(of: Self.scopes(of: form)).isSubset(of: grant.first)
    }

    // MARK: Rules

    private func checkTenant(_ name: String) throws(WireFault) {
        guard !Self.common.contains(name), !state.withLock({ $0.tenants.contains(name) }) else { return }
        throw Self.refused(
            "\(name.isEmpty ? "The sign-in service's own page" : name) is not a tenant of this connection. The owner can add "
                + "another tenant to egress.allow, by the name or id in the path.")
    }

    /// Checks a request for a first token, or a step towards one.
    private func checkFirst(_ client: String?, isCredential: Bool = false) throws(WireFault) {
        guard let client = client?.lowercased(), !client.isEmpty else {
            throw Self.refused("A sign-in must have a client ID.")
        }
        let current = rules.current()
        let isOwn = state.withLock { state in
            // An app may repeat a proof with its own credential after the sign-in: its tokens can be renewed only in
            // this way.
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
                    ? "Only mm can sign in a session, before its commands run. Run mm login, or reset the session."
                    : "Another client is signing in at the moment.")
        }
    }

    private func checkRenewal(_ form: FormFields?) throws(WireFault) {
        // A text that isn't the placeholder of a refresh token is refused where tokens are put in.
        guard let token = form?["refresh_token"], let grant = state.withLock({ $0.grants[token] }) else { return }
        guard form?["client_id"]?.lowercased() == grant.client else {
            throw Self.refused("Only the client that received a refresh token can renew it.")
        }
        let narrow = Set(grant.asked.filter { !$0.hasSuffix("/.default") }.map(Self.audience))
        for scope in Self.scopes(of: form) {
            if Self.plainScopes.contains(scope) || grant.asked.contains(scope) || grant.given.contains(scope) {
                continue
            }
            // `.default` means all that the client was granted for the resource, so the original sign-in must have
            // asked for it.
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
            // The ids of some resources end with a slash.
            word.hasSuffix("//.default") ? CloudHost.audience(String(word.dropLast(9))) + "/.default" : String(word)
        }
    }

    private static func resources(of scopes: Set<String>) -> Set<String> {
        Set(scopes.filter { !plainScopes.contains($0) }.map(audience))
    }

    /// Returns the resource of a scope; a scope without one belongs to Graph.
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

/// The settings and dependencies of one session's proxy.
package struct EgressConfiguration: Sendable {
    /// The session's name, for records.
    package var session: String
    /// The hosts that it may reach.
    package var hosts: EgressHosts
    /// The judge of each request.
    package var judge: any WireJudge
    /// The source of fresh tokens for placeholders of the connection's own sign-in.
    package var tokens: any TokenSource
    /// The session's placeholders.
    package var vault: PlaceholderVault
    /// The folder for the session's files, which its processes may read.
    package var folder: String
    /// Returns the session's processes, which alone may use the proxy; `nil` admits every process that knows the
    /// proxy's secret.
    package var processes: (@Sendable () -> [Int32])?
    /// Returns the processes that use the proxy most. They are checked first, because finding all processes takes
    /// longer.
    package var likelyProcesses: @Sendable () -> [Int32] = { [] }
    /// Checks an account that signed in within the session. Returns `nil` if it is the right one, otherwise a refusal;
    /// the tokens of a refused account are withheld.
    package var identityCheck: @Sendable (SignedInIdentity) async -> RequestRefusal?
    /// The managed identity for the session's programs; `nil` if they have none.
    package var identity: ProgramIdentity?
    /// Runs a call of a cmdlet in the session of another module and returns its result; `nil` if there are no other
    /// sessions.
    package var cmdlets: (@Sendable (_ call: [UInt8]) async -> [UInt8])?
    /// The sign-ins that the session may make by itself; by default none.
    package var signIns = SignInRules()
    /// Returns the pace of requests to a service; `nil` if requests aren't paced.
    package var pace: (@Sendable (CloudHost.Service) -> ServicePace?)?
    /// Returns the last check before a request of a class is sent, and before each further message on a web socket;
    /// `nil` if there is none.
    package var permit: (@Sendable (_ requestClass: String) -> SendPermit?)?
    /// Receives events. It must return quickly.
    package var events: @Sendable (EgressEvent) -> Void
    /// The HTTP client; `nil` creates one for this session from `environment`.
    package var transport: (any HTTPTransport)?
    /// The process's environment variables, with the user's own proxy and trust store.
    package var environment: [String: String]
    /// The limits.
    package var limits = EgressLimits()
    /// The clock for times of day.
    package var clock = WallClock.system

    /// Creates a configuration.
    /// - Parameters:
    ///   - session: the session's name.
    ///   - hosts: the hosts that it may reach.
    ///   - judge: the judge of each request.
    ///   - tokens: the source of fresh tokens.
    ///   - vault: the session's placeholders.
    ///   - folder: the folder for the session's files.
    ///   - environment: the process's environment variables.
    ///   - events: receives events.
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

/// An event of a session's proxy, for the audit, for metrics and for code that waits for a sign-in.
package enum EgressEvent: Sendable {
    /// A request has ended, successfully or not.
    case request(EgressRecord)
    /// A connection was refused before a request could be read from it.
    case refusedConnection(WireFault, host: String?)
    /// A placeholder was sent to a host that doesn't accept its token, so something has carried it there.
    case placeholderElsewhere(host: String, audience: String?)
    /// A request contained a credential that the session didn't get from this program.
    case foreignCredential(host: String)
    /// A request is held open while a person is asked.
    case held(number: UInt64, host: String, method: String)
    /// Something happened at the sign-in service.
    case signIn(SignInEvent)
}

/// A step of a sign-in that a session makes by itself.
package enum SignInEvent: Sendable {
    /// A person must open an address and enter a code.
    case code(SignInCode)
    /// The sign-in service is waiting for the person. `trouble` says why the service can't be asked at the moment;
    /// asking is retried.
    case pending(trouble: String?)
    /// An account has signed in.
    case signedIn(SignedInIdentity)
    /// The sign-in service issued a refresh token, which may be cached.
    case refreshToken(RenewalGrant, SignedInIdentity?)
    /// The sign-in ended without a token.
    case failed(EntraError)
    /// The session's sign-in is no longer valid; the error's code says whether a person has to sign in again.
    /// - Parameter isModulesOwn: whether the module had signed in by itself, not with the connection's tokens.
    case over(MMError, isModulesOwn: Bool)
}

/// A device code, as it is shown to a person.
package struct SignInCode: Sendable, Hashable {
    /// The code that the person enters.
    package let userCode: String
    /// The address at which the person enters it.
    package let address: String
    /// Its expiry.
    package let expiresAt: Timestamp
    /// The app that signs in.
    package let clientID: String?
}

/// The identity that has signed in, as the sign-in service reports it.
package struct SignedInIdentity: Sendable, Hashable {
    /// The tenant's id.
    package let tenantID: String
    /// The account's id in that tenant.
    package let objectID: String
    /// The account's sign-in name; `nil` for apps.
    package let username: String?
    /// The app that signed in.
    package let clientID: String?
}

/// The record of one request of a session: method, host, path and outcome, without content.
package struct EgressRecord: Sendable, Hashable {
    /// The session's name.
    package let session: String
    /// The request's number within the session.
    package let number: UInt64
    /// The time at which it arrived.
    package let time: Timestamp
    /// The time from its head to the last byte of the answer.
    package let duration: Duration
    /// The method.
    package let method: String
    /// The host, with the port unless it is the scheme's default.
    package let host: String
    /// The path without its query, with ids, keys and addresses replaced.
    package let pathTemplate: String
    /// The class that the judge gave it; `nil` if it wasn't judged.
    package let requestClass: String?
    /// The templates that it deploys; empty for other requests.
    package let templates: [DeployedTemplate]
    /// The status that the client received; 0 if the client had left.
    package let status: Int
    /// The reason why it wasn't sent or failed; `nil` if the service answered it.
    package let fault: String?
    /// The number of bytes of the request's body.
    package let bytesUp: Int
    /// The number of bytes of the answer's body.
    package let bytesDown: Int
    /// The service's id for this request, from `request-id` or a similar header.
    package let requestID: String?
    /// Whether any of it left this machine.
    package let wasSent: Bool
}
