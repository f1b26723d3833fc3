import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Tokens for custom APIs", .timeLimit(.minutes(5)))
struct OwnAPITests {
    let home: TestHome
    let clock = TestClock()

    init() throws {
        home = try TestHome()
        try home.write(
            "Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"), layout: .indented(4)))
    }

    private func service(_ transport: ScriptedTransport) -> IdentityService {
        .scripted(home, transport, clock: clock)
    }

    /// A service that returns the requested scope in the token.
    private func naming() -> ScriptedTransport {
        ScriptedTransport { request, _ in
            let scope = request.form["scope"]?.split(separator: " ").first.map(String.init) ?? ""
            return Contoso.tokens(access: "for:\(scope)", scope: "openid profile \(scope)")
        }
    }

    @Test("each resource has its own token, requested once and never used for another")
    func perResource() async throws {
        let transport = naming()
        let connection = try Contoso.connection()
        let audiences = [
            "https://org.crm.dynamics.com", "api://hr", "api://hr/payroll", "https://hr.contoso.example/api",
            "11111111-2222-4333-8444-555555555555",
        ]
        for _ in 0..<2 {
            for audience in audiences {
                let token = try await service(transport)
                    .token(for: connection, resource: try connection.resource(named: audience))
                #expect(token.secret.reveal() == "for:\(audience)/.default")
            }
        }
        #expect(transport.requests.count == audiences.count)
        #expect(
            transport.requests.first?.form["scope"]
                == "https://org.crm.dynamics.com/.default offline_access openid profile")
        #expect(try await service(transport).token(for: connection).secret.reveal() == "FAKE-graph-access-token")
    }

    @Test("an app requests everything that was granted to it")
    func app() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens(["aud": "api://hr"]) }
        let service = IdentityService.scripted(
            home, transport, clock: clock, methods: ["App": .app(.secret(.value(Secret("FAKE"))))])
        let connection = try Contoso.connection("App", expectedEmail: nil)
        _ = try await service.token(for: connection, resource: .api(try ConnectionAPI("api://hr/.default")))
        #expect(transport.requests.first?.form["scope"] == "api://hr/.default")
    }

    @Test("a connection's entry names them; an unknown name gets the known ones listed")
    func named() throws {
        let connection = try Contoso.connection(more: [
            "apis": [
                "crm": "https://org.crm4.dynamics.com/",
                "hr": ["audience": "api://hr", "address": "https://hr.contoso.example"],
            ]
        ])
        #expect(try connection.resource(named: "graph") == .graph)
        let crm = try connection.resource(named: "crm")
        let hr = try connection.resource(named: "hr")
        let cloud = try #require(Cloud.table["public"])
        #expect(cloud.defaultScope(of: crm) == "https://org.crm4.dynamics.com//.default")
        #expect(cloud.defaultScope(of: hr) == "api://hr/.default")
        #expect(cloud.base(of: hr) == "https://hr.contoso.example")
        let error = #expect(throws: MMError.self) { try connection.resource(named: "payroll") }
        let hint = error?.hint ?? ""
        #expect(error?.code == .invalidInput && hint.contains("crm, hr") && hint.contains("apis.NAME="))
    }

    @Test("a token is sent only to its own host")
    func hosts() throws {
        let cloud = try #require(Cloud.table["public"])
        let crm = ServiceResource.api(try ConnectionAPI("https://org.crm.dynamics.com"))
        #expect(cloud.admits("https://org.crm.dynamics.com/api/data/v9.2/accounts", for: crm))
        for other in [
            "https://other.crm.dynamics.com/", "https://x.org.crm.dynamics.com/", "http://org.crm.dynamics.com/",
            "https://org.crm.dynamics.com:8443/", "https://org.crm.dynamics.com@evil.example/",
            "https://graph.microsoft.com/",
        ] {
            #expect(!cloud.admits(other, for: crm), "\(other)")
        }
        let nowhere = ServiceResource.api(try ConnectionAPI("api://hr"))
        #expect(cloud.base(of: nowhere) == nil && !cloud.admits("https://hr.contoso.example/", for: nowhere))
    }

    @Test(
        "an invalid audience, or one that would send a token elsewhere, is refused",
        arguments: [
            ("http://org.crm.dynamics.com", nil), ("https://org.crm.dynamics.com?x=1", nil), ("https://", nil),
            ("https://user@host.example", nil), ("https://10.0.0.1", nil), ("https://localhost", nil),
            ("https://host.example:8443", nil), ("api://", nil), ("api:///x", nil), ("api://a b", nil), ("", nil),
            ("graph", nil), ("api://a\u{202E}b", nil), ("api://hr", "http://hr.contoso.example"),
            ("api://hr", "https://hr.contoso.example/path"), ("https://a.example", "https://b.example"),
        ])
    func refused(audience: String, address: String?) {
        let error = #expect(throws: MMError.self) { try ConnectionAPI(audience, address: address) }
        #expect(error?.code == .invalidInput && error?.hint?.isEmpty == false)
    }

    @Test("an audience of another cloud is refused before any request")
    func otherCloud() async throws {
        let transport = naming()
        for (audience, cloud) in [
            ("https://org.crm.dynamics.cn", "china"), ("https://org.crm.microsoftdynamics.us", "gcchigh"),
            ("https://graph.microsoft.us", "gcchigh"),
        ] {
            let connection = try Contoso.connection()
            let error = await #expect(throws: MMError.self) {
                try await service(transport).token(
                    for: connection, resource: try connection.resource(named: audience))
            }
            let message = error?.message ?? ""
            #expect(error?.code == .invalidInput && message.contains(cloud), "\(message)")
        }
        #expect(transport.requests.isEmpty)
    }

    @Test("signing out ends a pending sign-in for one")
    func signOut() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.deviceCode() }
        let connection = try Contoso.connection("New")
        for audience in ["api://hr", "https://org.crm.dynamics.com"] {
            _ = try await service(transport).beginSignIn(
                connection, resource: try connection.resource(named: audience), renewing: true)
        }
        #expect(home.tokenFiles.filter { $0.hasSuffix(".flow.json") }.count == 2)
        try await service(transport).signOut(connection)
        #expect(!home.tokenFiles.contains { $0.hasSuffix(".flow.json") })
    }

    @Test("a token from outside for the app's API is accepted, one for Graph isn't")
    func fromOutside() async throws {
        for (audience, isTaken) in [
            ("api://hr", true), ("99999999-2222-4333-8444-555555555555", true), ("https://graph.microsoft.com", false),
            ("00000003-0000-0000-c000-000000000000", false),
        ] {
            let provider = ClosureTokenProvider { _ in
                ProvidedAccessToken(Secret(Contoso.accessToken(["aud": .string(audience)])))
            }
            let service = IdentityService.scripted(
                home, naming(), clock: clock, methods: ["Outside": .token(provider)])
            let connection = try Contoso.connection("Outside", expectedEmail: nil)
            let token = try? await service.token(for: connection, resource: .api(try ConnectionAPI("api://hr")))
            #expect((token != nil) == isTaken, "\(audience)")
        }
    }
}
