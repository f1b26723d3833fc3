import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("The account of a shared cache", .timeLimit(.minutes(5)))
struct AccountChoiceTests {
    let home: TestHome
    let clock = TestClock()
    private static let second = "22222222-0000-4000-8000-000000000009"
    private static let azureCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    private static let azurePowerShell = "1950a258-227b-4e31-a9cf-717495945fc2"

    init() throws { home = try TestHome() }

    private func service(_ transport: ScriptedTransport) -> IdentityService {
        .scripted(home, transport, clock: clock)
    }

    private func text() throws -> String {
        String(decoding: JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json")), as: UTF8.self)
    }

    /// A cache with a second account with this name and access token.
    private func writeTwo(name: String) throws {
        var merged = try #require(try Fixture.json("graph/msal-cache-user.json").object)
        let other = try text().replacing(Contoso.objectID, with: Self.second).replacing(Contoso.email, with: name)
            .replacing("FAKE-graph-access-token", with: "SECOND")
        for (kind, section) in try #require(try JSONParser.parse(other).object) where kind != "IdToken" {
            var entries = merged[kind]?.object ?? [:]
            for (key, value) in section.object ?? [:] { entries[key] = value }
            merged[kind] = .object(entries)
        }
        try home.write("Contoso.json", JSONWriter.bytes(.object(merged)))
    }

    private func nobody() -> ScriptedTransport { ScriptedTransport { _, _ in HTTPResponse(status: 599) } }

    @Test("is chosen by its home account id, even among accounts with the same name")
    func byHomeAccount() async throws {
        try writeTwo(name: Contoso.email)
        let ambiguous = await #expect(throws: MMError.self) {
            try await service(nobody()).token(for: try Contoso.connection())
        }
        let message = ambiguous?.message ?? ""
        #expect(ambiguous?.code == .conflict)
        #expect(message.contains("\(Self.second).\(Contoso.tenant)"), "\(message)")
        #expect(ambiguous?.hint?.contains("homeAccountId=") == true)
        #expect(ambiguous?.details["accounts"]?.array?.count == 2)
        for (id, token) in [(Self.second, "SECOND"), (Contoso.objectID, "FAKE-graph-access-token")] {
            let other = try TestHome()
            try other.write("Contoso.json", try #require(try home.read("Contoso.json")))
            let connection = try Contoso.connection(more: ["homeAccountId": .string("\(id).\(Contoso.tenant)")])
            let service = IdentityService.scripted(other, nobody(), clock: clock)
            #expect(try await service.token(for: connection).secret.reveal() == token)
        }
    }

    @Test("another home account than that of the entry is refused after a sign-in")
    func wrongHomeAccount() async throws {
        let cursor = Cursor(polls: [Contoso.tokens()], codes: [Contoso.deviceCode()])
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
        let connection = try Contoso.connection(more: ["homeAccountId": .string("\(Self.second).\(Contoso.tenant)")])
        let service = service(transport)
        _ = try await service.beginSignIn(connection)
        clock.advance(6)
        let error = await #expect(throws: MMError.self) { try await service.beginSignIn(connection) }
        #expect(error?.code == .forbidden && !home.tokenFiles.contains("Contoso.json"))
    }

    // MARK: A tenant that is named by its domain

    private func discovering(_ tenant: String) -> ScriptedTransport {
        ScriptedTransport { request, _ in
            guard request.url.hasSuffix("/contoso.example/v2.0/.well-known/openid-configuration") else {
                return request.url.hasSuffix("/devicecode") ? Contoso.deviceCode() : HTTPResponse(status: 599)
            }
            return .json(["issuer": .string("https://login.microsoftonline.com/\(tenant)/v2.0")])
        }
    }

    private func named() throws -> Connection {
        try Contoso.connection(more: ["tenantId": .null, "tenant": "contoso.example"])
    }

    @Test("if only the tenant's domain is known, the service is asked for the id once")
    func domain() async throws {
        try home.write("Contoso.json", Array(try text().utf8))
        let transport = discovering(Contoso.tenant)
        for _ in 0..<2 {
            #expect(try await service(transport).token(for: try named()).secret.reveal() == "FAKE-graph-access-token")
        }
        #expect(transport.requests.count == 1, "the pin tells it afterwards")
    }

    @Test("an account of another tenant isn't used for the domain")
    func otherTenant() async throws {
        try home.write("Contoso.json", Array(try text().utf8))
        let transport = discovering("33333333-0000-4000-8000-000000000001")
        let service = service(transport)
        for _ in 0..<2 {
            let error = await #expect(throws: MMError.self) { try await service.token(for: try named()) }
            #expect(error?.code == .signInNeeded)
        }
        #expect(transport.requests.filter { $0.url.contains("openid-configuration") }.count == 1)
    }

    // MARK: Family refresh tokens

    private func writeFamily() throws {
        var cache = try #require(
            try JSONParser.parse(try text().replacing(Contoso.app, with: Self.azurePowerShell)).object)
        var tokens = try #require(cache["RefreshToken"]?.object)
        for (key, entry) in tokens {
            tokens[key] = .object((entry.object ?? [:]).with(["family_id": "1"]))
        }
        cache["RefreshToken"] = .object(tokens)
        cache["AccessToken"] = [:]
        try home.write("Contoso.json", JSONWriter.bytes(.object(cache)))
    }

    private func family(_ answer: HTTPResponse) -> ScriptedTransport {
        ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? Contoso.deviceCode() : answer
        }
    }

    @Test("an account signed in to one of the vendor's command line clients is signed in to the others")
    func familyMember() async throws {
        try writeFamily()
        let answer = Contoso.tokens(
            access: "NEW", refresh: "ROTATED", claims: ["aud": .string(Self.azureCLI)], more: ["foci": "1"])
        let transport = family(answer)
        let connection = try Contoso.connection(more: ["appId": .string(Self.azureCLI)])
        #expect(try await service(transport).token(for: connection).secret.reveal() == "NEW")
        let sent = try #require(transport.requests.first?.form)
        #expect(sent["client_id"] == Self.azureCLI && sent["refresh_token"] == "FAKE-refresh-token-2")
        let tokens = try #require(try home.object("Contoso.json")["RefreshToken"]?.object)
        #expect(tokens.count == 1 && tokens.first?.value["secret"] == "ROTATED", "the family's token, in its place")
    }

    @Test("the vendor's family tokens aren't used for other apps, nor for one that left the family")
    func noMember() async throws {
        try writeFamily()
        let transport = family(Contoso.refusal("invalid_grant"))
        let own = await #expect(throws: MMError.self) {
            try await service(transport).token(for: try Contoso.connection())
        }
        #expect(own?.code == .signInNeeded)
        #expect(!transport.requests.contains { $0.form["refresh_token"] != nil })
        let mismatch = family(Contoso.refusal("invalid_grant", suberror: "client_mismatch"))
        let left = await #expect(throws: MMError.self) {
            try await service(mismatch).token(for: try Contoso.connection(more: ["appId": .string(Self.azureCLI)]))
        }
        #expect(left?.code == .signInNeeded)
    }
}
