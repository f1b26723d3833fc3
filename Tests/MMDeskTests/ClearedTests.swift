import MMCore
import MMDesk
import MMGraph
import MMGuard
import MMHTTP
import MMIdentity
import TestSupport
import Testing

/// A service that answers every request and records it.
private final class ListeningService: HTTPTransport {
    private let heard = Mutex<[String]>([])

    var requests: [String] { heard.withLock { $0 } }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let path = request.url.firstRange(of: "/v1.0").map { String(request.url[$0.lowerBound...]) }
        heard.withLock { $0.append("\(request.method) \(path ?? request.url)") }
        return HTTPResponse(
            status: 200, headers: ["Content-Type": "application/json"], body: Array(#"{"value":[]}"#.utf8))
    }

    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        let response = try await send(request)
        return HTTPStream(status: response.status, headers: response.headers, chunks: HTTPBody([response.body]))
    }
}

/// A connection that is signed in to this service.
private struct Tenant {
    let service = ListeningService()
    let identity: IdentityService
    let connection: Connection

    init(_ home: TestHome) throws {
        connection = try Connection(
            name: "Contoso",
            entry: [
                "appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01", "tenantId": "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811",
            ])
        let claims =
            #"{"aud":"https://graph.microsoft.com","tid":"0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811","oid":"b7e2f4a0-91cd-4e3b-a6d5-1f0c2e3d4a5b","appid":"5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01","upn":"adele@contoso.example","scp":"User.Read","exp":4000000000}"#
        let token = Secret("e30.\(Base64.text(Array(claims.utf8), alphabet: .url)).FAKE")
        identity = IdentityService(
            paths: home.paths, transport: service,
            methods: ["Contoso": .token(ClosureTokenProvider { _ in ProvidedAccessToken(token) })])
    }

    func client() throws -> GuardedClient { try GuardedClient(identity: identity, connection: connection) }

    func exchange() throws -> GuardedExchange {
        try GuardedExchange(identity: identity, connection: connection, service: .exchange)
    }

    /// Requests with the guard's verdict on them.
    func judged(_ requests: [GraphRequest]) -> Judged<[GraphRequest]> {
        let engine = GuardEngine()
        let verdict = Verdict.joined(requests.map { engine.judge($0.guarded, policy: .standard) })
        let text = requests.map { "\($0.method) \($0.target.pathAndQuery)" }.joined(separator: "\n")
        return Judged(
            requests,
            ConfirmationRequest(
                on: connection, module: "graph-api", title: "t", text: text,
                verdict: verdict ?? engine.judge(script: "1", policy: .standard)))
    }
}

@Suite("Only cleared requests are sent", .timeLimit(.minutes(5)))
struct ClearedTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    private static let paths = [
        ("GET", "/me"), ("GET", "/users"), ("PATCH", "/users/x"), ("DELETE", "/users/x"), ("POST", "/groups"),
        ("DELETE", "/groups/y"), ("POST", "/users/x/sendMail"), ("PATCH", "/organization/z"),
    ]

    private func request(_ number: Int, _ client: GuardedClient) throws -> GraphRequest {
        let (method, path) = Self.paths[number]
        let target = try client.target(path)
        guard method == "POST" || method == "PATCH" else { return try GraphRequest(method: method, target: target) }
        return try GraphRequest(method: method, target: target, json: ["displayName": "n"])
    }

    @Test("whatever is requested in any order, the service gets only cleared requests")
    func property() async throws {
        let tenant = try Tenant(home)
        let client = try tenant.client()
        var random = SeededRandom(seed: 36)
        for _ in 0..<200 {
            var wanted: [GraphRequest] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                wanted.append(try request(Int.random(in: 0..<Self.paths.count, using: &random), client))
            }
            let judged = tenant.judged(wanted)
            let says = Bool.random(using: &random)
            let cleared = judged.allowed ?? (says ? judged.cleared(by: .kept(since: judged.request)) : nil)
            // A request that needs a confirmation isn't sent without one.
            #expect((cleared != nil) == (judged.request.verdict.decision == .allow || says))
            guard let cleared else { continue }
            let tried = try request(Int.random(in: 0..<Self.paths.count, using: &random), client)
            let before = tenant.service.requests.count
            var refused: MMError?
            do throws(MMError) { _ = try await client.send(tried, by: cleared, deadline: .never) } catch {
                refused = error
            }
            let heard = tenant.service.requests.dropFirst(before)
            if wanted.contains(tried) {
                #expect(refused == nil && heard == ["\(tried.method) \(tried.target.path)"][...])
            } else {
                #expect(refused?.code == .conflict && heard.isEmpty)
            }
        }
    }

    @Test("the project's own reads are judged as reads", arguments: paths.indices)
    func reads(number: Int) async throws {
        let tenant = try Tenant(home)
        let client = try tenant.client()
        let request = try request(number, client)
        guard request.method != "GET" else {
            _ = try await client.read(request, deadline: .never)
            #expect(tenant.service.requests == ["GET \(request.target.path)"])
            return
        }
        for isBatch in [false, true] {
            let error = await #expect(throws: MMError.self) {
                if isBatch {
                    _ = try await client.readBatch([BatchPart(id: "1", request: request)], deadline: .never)
                } else {
                    _ = try await client.read(request, deadline: .never)
                }
            }
            #expect(error?.code == .internalError)
        }
        #expect(throws: MMError.self) { _ = try client.readPages(request, deadline: .never) }
        #expect(tenant.service.requests.isEmpty)
    }

    @Test("a request that only resembles the cleared one isn't cleared")
    func lookalike() async throws {
        let tenant = try Tenant(home)
        let client = try tenant.client()
        let target = try client.target("/users/x")
        let shown = try GraphRequest(method: "PATCH", target: target, json: ["city": "Rome"])
        let other = try GraphRequest(method: "PATCH", target: target, json: ["accountEnabled": false])
        let judged = tenant.judged([shown])
        let cleared = try #require(judged.allowed ?? judged.cleared(by: .kept(since: judged.request)))
        await #expect(throws: MMError.self) { _ = try await client.send(other, by: cleared, deadline: .never) }
        await #expect(throws: MMError.self) {
            _ = try await client.batch(
                [BatchPart(id: "1", request: shown), BatchPart(id: "2", request: other)], by: cleared,
                deadline: .never, progress: { _ in })
        }
        #expect(tenant.service.requests.isEmpty)
    }

    @Test("cmdlets that change something aren't reads")
    func cmdlets() async throws {
        let tenant = try Tenant(home)
        let exchange = try tenant.exchange()
        let writes = ExchangeCommand("Set-Mailbox", ["Identity": "x", "Office": "1"])
        #expect(throws: MMError.self) { _ = try exchange.readPages(writes, deadline: .after(.seconds(5))) }
        await #expect(throws: MMError.self) {
            _ = try await exchange.readings(
                of: [ExchangeCommand("Get-Mailbox"), writes], deadline: .after(.seconds(5)))
        }
        #expect(tenant.service.requests.isEmpty)
    }
}

@Suite("A consent covers one request")
struct ConsentTests {
    private static let connection = try? Connection(name: "Contoso", entry: ["tenant": "contoso.com"])

    private func judged(_ text: String, approvals: Int = 1) throws -> Judged<String> {
        let connection = try #require(Self.connection)
        var request = ConfirmationRequest(
            on: connection, module: "exo", title: "t", text: text,
            verdict: GuardEngine().judge(script: text, policy: .standard))
        request.approvals = approvals
        return Judged(text, request)
    }

    @Test("and doesn't clear another")
    func other() throws {
        let (one, two) = (try judged("Remove-Mailbox a"), try judged("Remove-Mailbox b"))
        #expect(one.allowed == nil)
        #expect(one.cleared(by: .kept(since: one.request))?.act == "Remove-Mailbox a")
        #expect(two.cleared(by: .kept(since: one.request)) == nil)
    }

    @Test("and never clears a denied request")
    func denied() throws {
        let text = "Remove-Mailbox a"
        let connection = try #require(Self.connection)
        let judged = Judged(
            text,
            ConfirmationRequest(
                on: connection, module: "exo", title: "t", text: text,
                verdict: GuardEngine().judge(script: text, policy: GuardPolicy(.readonly))))
        #expect(judged.request.verdict.decision == .deny)
        #expect(judged.cleared(by: .kept(since: judged.request)) == nil && judged.allowed == nil)
    }

    @Test("and one person doesn't count as two")
    func people() async throws {
        let judged = try judged("Remove-Mailbox a", approvals: 2)
        let both = try await judged.request.consent { () async throws(MMError) in true }
        #expect(both == nil)
        #expect(Consent.signed(judged.request, by: ["ada"]) == nil)
        #expect(Consent.signed(judged.request, by: ["ada", "bob"]) != nil)
        let one = try self.judged("Remove-Mailbox a")
        let (yes, no) = (
            try await one.request.consent { () async throws(MMError) in true },
            try await one.request.consent { () async throws(MMError) in false }
        )
        #expect(yes.flatMap { one.cleared(by: $0) } != nil && no == nil)
    }

    @Test("or one of several that a person saw together")
    func together() throws {
        let (one, two, stranger) = (
            try judged("Remove-Mailbox a"), try judged("Remove-Mailbox b"), try judged("Remove-Mailbox c")
        )
        let all = Judged([one.request, two.request], one.request)
        let cleared = try #require(all.cleared(by: .kept(since: one.request)))
        #expect(cleared.consent(to: two.request).flatMap { two.cleared(by: $0) }?.act == "Remove-Mailbox b")
        #expect(cleared.consent(to: stranger.request) == nil)
    }

    private func parts(of text: String) throws -> ClearedParts {
        let whole = try judged(text)
        return ClearedParts(
            of: try #require(whole.allowed ?? whole.cleared(by: .kept(since: whole.request))), text: text)
    }

    @Test(
        "covers the parts of a confirmed act, and nothing else",
        arguments: [
            ("Get-Mailbox ann", "Get-MgUser -UserId ann", true),
            ("Get-Mailbox ann", "Update-MgUser -UserId a -JobTitle x", false),
            ("Get-Mailbox ann", "Remove-MgUser -UserId ann", false),
            ("Set-Mailbox ann -Office 1", "Update-MgUser -UserId a -JobTitle x", true),
            ("Set-Mailbox ann -Office 1", "Remove-MgUser -UserId ann", false),
            ("Get-Mailbox | % { Remove-MgUser -UserId $_.Id }", "Remove-MgUser -UserId 'ann'", true),
            ("Remove-Mailbox ann", "Set-Mailbox ann -ForwardingSmtpAddress eve@fabrikam.example", false),
            ("Remove-MgUser -UserId ann", "Install-Module x", false),
        ])
    func part(whole: String, part: String, passes: Bool) throws {
        #expect((try parts(of: whole).cleared(try judged(part), naming: ["x1"]) != nil) == passes)
    }

    @Test("covers parts that its text names; if it names all parts, no others")
    func named() throws {
        let parts = try parts(of: "Remove-MgUser -UserId ann; Remove-MgUser -UserId bob")
        for name in ["ann", "bob", "ann"] {
            #expect(try parts.cleared(judged("Remove-MgUser -UserId '\(name)'"), naming: [name]) != nil, "\(name)")
        }
        #expect(try parts.cleared(judged("Remove-MgUser -UserId 'eve'"), naming: ["eve"]) == nil)
        #expect(try parts.cleared(judged("Remove-MgUser -UserId 'ann'"), naming: ["ann", "eve"]) == nil)
        #expect(try parts.cleared(judged("Remove-MgUser"), naming: []) == nil)
    }

    @Test("and doesn't let more of them change something than the person saw")
    func count() throws {
        let parts = try parts(of: "Remove-Mailbox ann; Remove-Mailbox $x")
        let cleared = try (0..<100).count { number in
            try parts.cleared(judged("Remove-Mailbox m\(number)"), naming: ["m\(number)"]) != nil
        }
        #expect(cleared > 0 && cleared < 100)
    }
}
