import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite(
    "Sharing a cache with MSAL for Python",
    .enabled(
        if: Python.hasMSAL, "no MSAL for Python in .build/python (python3 -m venv .build/python; pip install msal)"),
    .timeLimit(.minutes(5)))
struct MSALInteropTests {
    let home: TestHome
    let clock = TestClock(Timestamp.now.seconds)

    init() throws { home = try TestHome() }

    private static let scope =
        "email openid profile https://graph.microsoft.com/User.Read https://graph.microsoft.com/.default"

    private var cache: String { "\(home.tokens)/Contoso.json" }

    private func msal(
        _ mode: String, access: String = "MSAL-access", refresh: String = "MSAL-refresh", tokens: HTTPResponse? = nil
    ) async throws -> JSONObject {
        let configuration = try #require(try Fixture.json("graph/entra-openid-configuration.json")["response"]?["body"])
        let answer = tokens ?? Contoso.tokens(access: access, refresh: refresh, scope: Self.scope)
        let token = try JSONParser.parse(answer.body)
        let answers: JSONValue = [
            "configuration": configuration, "token": token,
            "devicecode": try JSONParser.parse(Contoso.deviceCode().body),
        ]
        let script = "\(Python.root)/Tests/Fixtures/identity/msal_interop.py"
        let result = try await Python.running([script, mode, cache, JSONWriter.string(answers)])
        try #require(result.status == 0, "the script failed")
        return try #require(try JSONParser.parse(result.output).object)
    }

    private func signIn() async throws {
        let cursor = Cursor(polls: [Contoso.tokens(scope: Self.scope)], codes: [Contoso.deviceCode()])
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
        let service = IdentityService.scripted(home, transport, clock: clock)
        _ = try await service.signIn(try Contoso.connection()) { _ in }
    }

    @Test("MSAL finds our account and our token without a request")
    func silent() async throws {
        try await signIn()
        let result = try await msal("silent")
        #expect(result["accounts"] == [.string(Contoso.email)])
        #expect(result["access_token"] == "FAKE-access" && result["posts"] == [])
    }

    @Test("MSAL redeems our refresh token, and we continue with what it wrote")
    func refresh() async throws {
        try await signIn()
        let result = try await msal("refresh")
        #expect(result["access_token"] == "MSAL-access")
        #expect(result["posts"] == [["kind": "token", "refresh_token": "FAKE-refresh"]])
        let transport = ScriptedTransport { _, _ in
            Contoso.tokens(access: "OURS", refresh: "OURS-refresh", scope: Self.scope)
        }
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        #expect(try await service.token(for: connection).secret.reveal() == "MSAL-access")
        #expect(transport.requests.isEmpty)
        clock.advance(4000)
        #expect(try await service.token(for: connection).secret.reveal() == "OURS")
        #expect(transport.requests.first?.form["refresh_token"] == "MSAL-refresh")
        let again = try await msal("refresh", access: "MSAL-2", refresh: "MSAL-refresh-2")
        #expect(again["posts"] == [["kind": "token", "refresh_token": "OURS-refresh"]])
        #expect(
            (try home.object("Contoso.json")["RefreshToken"]?.object)?.count == 1,
            "one refresh token, replaced in place")
    }

    @Test("we continue with an account that signed in through MSAL")
    func device() async throws {
        try ProtectedFile.makeDirectory(home.tokens)
        let result = try await msal("device")
        #expect(result["access_token"] == "MSAL-access")
        let transport = ScriptedTransport { _, _ in
            Contoso.tokens(access: "FLOW", refresh: "NEXT", scope: "https://service.flow.microsoft.com/.default")
        }
        let service = IdentityService.scripted(home, transport, clock: clock)
        let connection = try Contoso.connection()
        #expect(try await service.token(for: connection).secret.reveal() == "MSAL-access")
        #expect(try await service.token(for: connection, resource: .flow).secret.reveal() == "FLOW")
        #expect(transport.requests.first?.form["refresh_token"] == "MSAL-refresh")
        #expect(fileMode(cache) == 0o600, "MSAL's file of wider rights is closed")
    }

    @Test("after the same answers we write what MSAL writes")
    func sameFile() async throws {
        try await signIn()
        let ours = try home.object("Contoso.json")
        try ProtectedFile.remove(cache)
        _ = try await msal("device", access: "FAKE-access", refresh: "FAKE-refresh")
        let theirs = try home.object("Contoso.json")
        for (kind, section) in theirs {
            let mine = ours[kind]?.object ?? [:]
            #expect(mine.keys == section.object?.keys, "\(kind)")
            for (key, entry) in section.object ?? [:] {
                var left = mine[key]?.object ?? [:]
                var right = entry.object ?? [:]
                for time in ["cached_at", "expires_on", "extended_expires_on", "last_modification_time"] {
                    #expect((left[time] == nil) == (right[time] == nil), "\(kind) \(time)")
                    left[time] = nil
                    right[time] = nil
                }
                #expect(left == right, "\(kind)")
            }
        }
    }

    @Test("an account that MSAL stored under the tenant's id is found by a connection with only the domain")
    func domain() async throws {
        try ProtectedFile.makeDirectory(home.tokens)
        _ = try await msal("device")
        let transport = ScriptedTransport { _, _ in
            .json(["issuer": .string("https://login.microsoftonline.com/\(Contoso.tenant)/v2.0")])
        }
        let connection = try Contoso.connection(more: ["tenantId": .null, "tenant": "contoso.example"])
        let service = IdentityService.scripted(home, transport, clock: clock)
        #expect(try await service.token(for: connection).secret.reveal() == "MSAL-access")
        #expect(transport.requests.count == 1)
    }

    @Test("MSAL finds our token of an app, and we find MSAL's, without a request")
    func app() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        let connection = try Contoso.connection(expectedEmail: nil)
        let service = IdentityService.scripted(
            home, transport, clock: clock, methods: ["Contoso": .app(.secret(.value(Secret("FAKE-secret"))))])
        _ = try await service.token(for: connection)
        let found = try await msal("app")
        #expect(found["access_token"] == .string(Contoso.accessToken()) && found["posts"] == [])
        try ProtectedFile.remove(cache)
        let made = try await msal("app", tokens: Contoso.appTokens(number: 2))
        #expect(made["access_token"] == .string(Contoso.accessToken(number: 2)))
        #expect(try await service.token(for: connection).secret.reveal() == Contoso.accessToken(number: 2))
        #expect(transport.requests.count == 1)
    }
}
