import Glibc
import MMCore
import MMHTTP
import MMIdentity
import MMSystem
import TestSupport

@testable import MMEgress

/// A session's proxy whose cloud is a server in the test: the names are real, and lead to it.
final class TestWire: Sendable {
    let home: TestHome
    let session: EgressSession
    let judge = TestJudge()
    let tokens = TestTokens()
    let vault: PlaceholderVault
    private let events: EventList

    /// Starts a wire.
    /// - Parameters:
    /// - upstream: the port at which all the cloud's hosts answer in plain HTTP.
    ///   - configure: changes the configuration.
    init(
        upstream: UInt16, name: String = "Contoso/exo", allow: [String] = [],
        _ configure: (inout EgressConfiguration) -> Void = { _ in }
    ) async throws {
        Signals.ignoreBrokenPipes()
        // Each proxy has a dozen of them, besides a service of the test.
        ResourceLimits.raiseDescriptors()
        home = try TestHome()
        let events = EventList()
        self.events = events
        let cloud = try Cloud.named("public", paths: home.paths)
        var configuration = EgressConfiguration(
            session: name,
            hosts: EgressHosts(cloud: cloud, sharePoint: "contoso", allow: allow.compactMap { PlainHostName($0) }),
            judge: judge,
            tokens: tokens, folder: home.path, environment: [:], events: { events.add($0) })
        configuration.transport = Redirected(port: upstream)
        configuration.signIns = SignInRules(tenants: [TestToken.tenant], current: { 1 })
        configure(&configuration)
        vault = configuration.vault
        session = try await EgressSession.start(configuration)
    }

    /// The events so far.
    var happened: [EgressEvent] { events.all }

    /// The records of requests so far.
    var records: [EgressRecord] {
        happened.compactMap { if case .request(let record) = $0 { record } else { nil } }
    }

    /// The records of requests, once there are enough: an answer may arrive before its record is written.
    func records(_ count: Int) async -> [EgressRecord] {
        _ = await eventually { records.count >= count }
        return records
    }

    /// The faults of connections and requests, once there are any.
    func faults() async -> [String] {
        _ = await eventually { !(refusals + records.compactMap(\.fault)).isEmpty }
        return refusals + records.compactMap(\.fault)
    }

    /// The faults of connections so far.
    var refusals: [String] {
        happened.compactMap { if case .refusedConnection(let fault, _) = $0 { fault.kind.rawValue } else { nil } }
    }

    /// A placeholder for a token of the connection's sign-in.
    func placeholder(_ audience: String = "https://graph.microsoft.com", account: String = "admin@contoso.com") throws
        -> String
    {
        try vault.placeholder(for: Secret(TestToken.access(audience: audience)), account: account)
    }

    /// The secret in the proxy's address.
    var secret: String {
        let address = session.environment["HTTPS_PROXY"] ?? ""
        return String(address.drop { $0 != ":" }.dropFirst(3).drop { $0 != ":" }.dropFirst().prefix { $0 != "@" })
    }
}

/// Collects events from any thread.
final class EventList: Sendable {
    private let events = Mutex<[EgressEvent]>([])
    func add(_ event: EgressEvent) { events.withLock { $0.append(event) } }
    var all: [EgressEvent] { events.withLock { $0 } }
}

/// A judge with the test's verdict.
final class TestJudge: WireJudge {
    private let answer = Mutex<@Sendable (DescribedRequest) async -> RequestVerdict>({ _ in .allow(class: "read") })
    private let requests = Mutex<[DescribedRequest]>([])

    private let hasEnded = Mutex(false)

    var judged: [DescribedRequest] { requests.withLock { $0 } }

    /// Whether allowed requests may not be sent any more.
    var isOver: Bool {
        get { hasEnded.withLock { $0 } }
        set { hasEnded.withLock { $0 = newValue } }
    }

    func holds(_ number: UInt64) -> Bool { !isOver }

    func say(_ verdict: @escaping @Sendable (DescribedRequest) async -> RequestVerdict) {
        answer.withLock { $0 = verdict }
    }

    func judge(_ request: DescribedRequest) async -> RequestVerdict {
        requests.withLock { $0.append(request) }
        let verdict = answer.withLock { $0 }
        return await verdict(request)
    }
}

/// Gives each account its own fresh token.
final class TestTokens: TokenSource {
    private let given = Mutex<[TokenNeed]>([])
    var asked: [TokenNeed] { given.withLock { $0 } }

    func token(for need: TokenNeed) async throws(MMError) -> Secret {
        given.withLock { $0.append(need) }
        if need.account == "nobody" { throw MMError(.signInNeeded, "Nobody is signed in.", hint: "mm login Contoso") }
        return Secret("real-token-of-\(need.account)-for-\(need.audience.drop { $0 != "/" }.dropFirst(2))")
    }
}

/// Sends requests for any host to one server of this machine.
struct Redirected: HTTPTransport {
    private let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
    let port: UInt16

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse { try await client.send(turned(request)) }
    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream { try await client.open(turned(request)) }
    func connect(_ request: HTTPRequest) async throws(HTTPError) -> HTTPTunnel {
        try await client.connect(turned(request))
    }

    private func turned(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        let rest = request.url.firstRange(of: "://").map { request.url[$0.upperBound...] } ?? ""
        let host = rest.prefix { $0 != "/" }
        request.url = "http://127.0.0.1:\(port)\(rest[host.endIndex...])"
        request.headers.set("X-Meant-For", String(host))
        request.allowsPlainHTTP = true
        return request
    }
}
