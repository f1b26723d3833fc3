import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Tokens from outside", .timeLimit(.minutes(5)))
struct OutsideTokenTests {
    let home: TestHome
    let clock = TestClock()

    init() throws { home = try TestHome() }

    private static let nobody = ScriptedTransport { _, _ throws(HTTPError) in
        throw HTTPError(.connect, "nobody is to be asked")
    }

    private static let person: JSONObject = [
        "idtyp": "user", "scp": "User.Read", "oid": .string(Contoso.objectID), "upn": .string(Contoso.email),
    ]

    private func token(_ claims: JSONObject, expectedEmail: String? = nil) async throws -> AccessToken {
        try home.write("\(home.path)/token", Array("\(Contoso.accessToken(claims))\n".utf8))
        let connection = try Contoso.connection(
            expectedEmail: expectedEmail,
            more: ["auth": ["method": "token", "tokenFile": .string("\(home.path)/token")]])
        return try await IdentityService.scripted(home, Self.nobody, clock: clock).token(for: connection)
    }

    @Test("a token in a file is used as it is, for a person and for an app, and never stored")
    func file() async throws {
        let person = try await token(Self.person, expectedEmail: Contoso.email)
        #expect(person.account.username == Contoso.email && !person.account.isApp)
        #expect(person.expiresAt == Timestamp(seconds: 4_000_000_000))
        #expect(!home.tokenFiles.contains("Contoso.json"))
        let app = try await IdentityService.scripted(
            try TestHome(), Self.nobody, clock: clock, environment: ["MY_TOKEN": Contoso.accessToken()]
        ).token(for: try Contoso.app(["method": "token", "tokenVariable": "MY_TOKEN"]))
        #expect(app.account.isApp)
    }

    @Test(
        "a token that states a time which no clock reaches lasts as long as times can be written",
        arguments: [.int(.max), .double(1e300)] as [JSONValue])
    func endless(end: JSONValue) async throws {
        let token = try await token(["exp": end])
        #expect(token.expiresAt.iso8601 == "9999-12-31T23:59:59Z")
    }

    @Test(
        "an unexpected token is refused with the reason",
        arguments: [
            (["tid": "11111111-2222-3333-4444-555555555555"], nil, MMErrorCode.forbidden, "tenant"),
            (["aud": "https://management.azure.com"], nil, .invalidInput, "is for https://management.azure.com"),
            (["exp": 1_767_225_599], nil, .signInNeeded, "ended"),
            (["exp": .null], nil, .invalidInput, "expires"),
            (["appid": "11111111-2222-3333-4444-555555555555"], nil, .forbidden, "app 11111111"),
            ([:], Contoso.email, .forbidden, "belongs to an app"),
        ] as [(JSONObject, String?, MMErrorCode, String)])
    func refused(claims: JSONObject, expected: String?, code: MMErrorCode, word: String) async throws {
        let error = await #expect(throws: MMError.self) { try await token(claims, expectedEmail: expected) }
        let message = error?.message ?? ""
        #expect(error?.code == code && message.contains(word), "\(message)")
        // Where only the time is missing, reading the token again would not help.
        #expect((error?.hint?.contains("`exp`") == true) == (word == "expires"), "\(error?.hint ?? "")")
    }

    @Test("a token of another person is refused")
    func otherPerson() async throws {
        let error = await #expect(throws: MMError.self) {
            try await token(Self.person.with(["upn": "somebody@contoso.example"]), expectedEmail: Contoso.email)
        }
        #expect(error?.code == .forbidden)
    }

    @Test("a program is asked for each request, with the service and the claims")
    func provider() async throws {
        let asked = Mutex<[AccessTokenRequest]>([])
        let service = IdentityService.scripted(
            home, Self.nobody, clock: clock,
            methods: [
                "Contoso": .token(
                    ClosureTokenProvider { request in
                        let number = asked.withLock { asked in
                            asked.append(request)
                            return asked.count
                        }
                        return ProvidedAccessToken(
                            Secret(Contoso.accessToken(number: number)), expiresAt: Timestamp(seconds: 1_767_229_000))
                    })
            ])
        let connection = try Contoso.connection(expectedEmail: nil)
        let first = try await service.token(for: connection)
        #expect(first.expiresAt == Timestamp(seconds: 1_767_229_000))
        let second = try await service.token(insteadOf: first, for: connection, claims: "{}")
        #expect(second.secret != first.secret)
        let requests = asked.withLock { $0 }
        #expect(requests.map(\.isAfterRefusal) == [false, true])
        #expect(requests.last?.claims == "{}" && requests.last?.scope == "https://graph.microsoft.com/.default")
        #expect(requests.last?.tenant == Contoso.tenant)
    }

    @Test("a refused token that is supplied again isn't sent")
    func again() async throws {
        let service = IdentityService.scripted(
            home, Self.nobody, clock: clock,
            methods: ["Contoso": .token(ClosureTokenProvider { _ in .init(Secret(Contoso.accessToken())) })])
        let connection = try Contoso.connection(expectedEmail: nil)
        let token = try await service.token(for: connection)
        let error = await #expect(throws: MMError.self) { try await service.token(insteadOf: token, for: connection) }
        #expect(error?.code == .signInNeeded && error?.message.contains("refused") == true)
    }
}
