import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("On-behalf-of sign-in", .timeLimit(.minutes(5)))
struct OnBehalfOfTests {
    let home: TestHome
    let clock = TestClock()
    private let secretFile: String

    init() throws {
        home = try TestHome()
        secretFile = "\(home.tokens)/secret"
        try home.write("secret", Array("FAKE-client-secret\n".utf8))
    }

    private func service(_ transport: ScriptedTransport) -> IdentityService {
        .scripted(home, transport, clock: clock)
    }

    private func connection(_ auth: JSONObject = [:], more: JSONObject = [:]) throws -> Connection {
        let usual: JSONObject = ["method": "on-behalf-of", "secretFile": .string(secretFile)]
        return try Contoso.app(usual.with(auth), more: more)
    }

    /// The token of a caller, issued for this app.
    private func caller(_ changes: JSONObject = [:], number: Int = 1) -> Secret {
        let claims: JSONObject = [
            "aud": .string("api://\(Contoso.app)"), "idtyp": "user", "scp": "access", "oid": .string(Contoso.objectID),
            "appid": "77777777-0000-4000-8000-000000000001",
        ]
        return Secret(Contoso.accessToken(claims.with(changes), number: number))
    }

    private func numbering() -> ScriptedTransport {
        ScriptedTransport { _, number in Contoso.tokens(access: "token-\(number)", refresh: nil) }
    }

    @Test("the caller's token and the app's credential give a token of the same person")
    func exchange() async throws {
        let transport = numbering()
        let service = service(transport)
        let token = try await service.token(onBehalfOf: caller(), for: try connection())
        #expect(token.account.objectID == Contoso.objectID && token.account.username == Contoso.email)
        let form = try #require(transport.requests.first?.form)
        #expect(form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer")
        #expect(form["requested_token_use"] == "on_behalf_of" && form["assertion"] == caller().reveal())
        #expect(form["client_secret"] == "FAKE-client-secret")
        #expect(form["scope"] == "https://graph.microsoft.com/.default openid profile")
        #expect(home.tokenFiles == ["secret"], "nothing of a caller is written")
    }

    @Test("a certificate signs instead of a secret")
    func certificate() async throws {
        let transport = numbering()
        let connection = try Contoso.app([
            "method": "on-behalf-of", "certificatePath": .string(Certificates.path("rsa.cert.pem")),
            "privateKeyPath": .string(Certificates.path("rsa.key.pem")),
        ])
        let hasFiles = (try? ProtectedFile.read(Certificates.path("rsa.key.pem"))) != nil
        try #require(hasFiles)
        _ = try await service(transport).token(onBehalfOf: caller(), for: connection)
        #expect(transport.requests.first?.form["client_assertion"]?.isEmpty == false)
    }

    @Test("tokens are stored per caller's token and service")
    func kept() async throws {
        let transport = numbering()
        let service = service(transport)
        let connection = try connection()
        let first = try await service.token(onBehalfOf: caller(), for: connection)
        #expect(try await service.token(onBehalfOf: caller(), for: connection).secret == first.secret)
        #expect(transport.requests.count == 1)
        let second = try await service.token(onBehalfOf: caller(number: 2), for: connection)
        let flow = try await service.token(onBehalfOf: caller(), for: connection, resource: .flow)
        #expect(Set([first, second, flow].map { $0.secret.reveal() }).count == 3)
        clock.advance(3600 - 30)
        #expect(try await service.token(onBehalfOf: caller(), for: connection).secret != first.secret)
        try await service.signOut(connection)
        #expect(service.assertionTokens.count == 0)
    }

    @Test("simultaneous calls for one caller share one request")
    func singleFlight() async throws {
        let gate = Gate()
        let service = IdentityService(
            paths: home.paths, transport: NumberingTransport(gate: gate, life: 3600), clock: clock.wall)
        let (connection, assertion) = (try connection(), caller())
        async let first = service.token(onBehalfOf: assertion, for: connection)
        await gate.untilReached()
        async let second = service.token(onBehalfOf: assertion, for: connection)
        await gate.open()
        #expect(try await first.secret == second.secret)
    }

    @Test("a call doesn't depend on a request that has much less time than the call itself")
    func ownTime() async throws {
        let gate = Gate()
        let transport = NumberingTransport(gate: gate, life: 3600)
        let service = IdentityService(paths: home.paths, transport: transport, clock: clock.wall)
        let (connection, assertion) = (try connection(), caller())
        async let short = service.token(onBehalfOf: assertion, for: connection, deadline: .after(.seconds(40)))
        await gate.untilReached()
        async let long = service.token(onBehalfOf: assertion, for: connection, deadline: .never)
        while transport.count < 2 { await Task.yield() }
        await gate.open()
        #expect(try await Set([short.secret.reveal(), long.secret.reveal()]) == ["token-1", "token-2"])
    }

    @Test("a caller who has to sign in again gets the challenge for the caller's app")
    func interaction() async throws {
        let claims = #"{"access_token":{"capolids":{"essential":true,"values":["x"]}}}"#
        let transport = ScriptedTransport { _, _ in
            Contoso.refusal("interaction_required", code: 50076, suberror: "basic_action", claims: claims)
        }
        let error = await #expect(throws: MMError.self) {
            try await service(transport).token(onBehalfOf: caller(), for: try connection())
        }
        #expect(error?.code == .signInNeeded && error?.details["claims"] == .string(claims))
        let encoded = Base64.text(Array(claims.utf8))
        #expect(
            error?.details["challenge"]?.string == "Bearer error=\"insufficient_claims\", claims=\"\(encoded)\"")
        let hint = error?.hint ?? ""
        #expect(hint.contains("WWW-Authenticate") && !hint.contains("mm login"))
        #expect(transport.requests.count == 1)
    }

    @Test("the claims of a challenge are requested, and the stored token is replaced")
    func challenge() async throws {
        let transport = numbering()
        let service = service(transport)
        let connection = try connection()
        _ = try await service.token(onBehalfOf: caller(), for: connection)
        let claims = #"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#
        let new = try await service.token(onBehalfOf: caller(), for: connection, claims: claims)
        #expect(transport.requests.last?.form["claims"]?.contains("nbf") == true)
        #expect(try await service.token(onBehalfOf: caller(), for: connection).secret == new.secret)
        #expect(transport.requests.count == 2)
    }

    @Test(
        "a token that isn't a person's, or has expired, is refused before any request",
        arguments: [
            (["idtyp": "app", "scp": .null] as JSONObject, MMErrorCode.invalidInput),
            (["exp": 1_767_000_000] as JSONObject, MMErrorCode.signInNeeded),
        ])
    func badAssertions(changes: JSONObject, code: MMErrorCode) async throws {
        let transport = numbering()
        let error = await #expect(throws: MMError.self) {
            try await service(transport).token(onBehalfOf: caller(changes), for: try connection())
        }
        #expect(error?.code == code && transport.requests.isEmpty)
        let told = "\(error?.message ?? "") \(error?.hint ?? "")"
        #expect(!told.contains("FAKE"))
    }

    @Test("an answer for another account than the caller's is refused and not stored")
    func otherAccount() async throws {
        let transport = ScriptedTransport { _, _ in
            Contoso.tokens(claims: ["oid": "66666666-0000-4000-8000-000000000001"])
        }
        let service = service(transport)
        let error = await #expect(throws: MMError.self) {
            try await service.token(onBehalfOf: caller(), for: try connection())
        }
        #expect(error?.code == .forbidden && service.assertionTokens.count == 0)
    }

    @Test("the person's token may come from a file; without one the error says where to put it")
    func fromFile() async throws {
        let transport = numbering()
        try home.write("caller", Array(caller().reveal().utf8))
        let named = try connection(["assertionFile": .string("\(home.tokens)/caller")])
        #expect(try await service(transport).token(for: named).account.objectID == Contoso.objectID)
        let error = await #expect(throws: MMError.self) { try await service(transport).token(for: try connection()) }
        let hint = error?.hint ?? ""
        #expect(error?.code == .invalidInput && hint.contains("auth.assertionFile="))
    }

    @Test("a call that brings its caller's token acts for that caller alone, before any file, and its links are theirs")
    func callers() async throws {
        let transport = numbering()
        let service = service(transport)
        try home.write("caller", Array(caller(number: 9).reveal().utf8))
        let named = try connection(["assertionFile": .string("\(home.tokens)/caller")])
        var secrets: [Secret] = []
        var links: [String] = []
        for connection in [try connection(), named] {
            for who in [caller(), caller(["oid": .string(Contoso.objectID), "sub": "another"], number: 2), caller()] {
                secrets.append(
                    try await CallerAssertion.with(who) { () async throws(MMError) in
                        try await service.token(for: connection).secret
                    })
                links.append(
                    try await CallerAssertion.with(who) { () async throws(MMError) in
                        ConnectionLinks(.uploads, of: connection, paths: service.paths).path(of: "file")
                    })
            }
        }
        #expect(secrets[0] == secrets[2] && secrets[0] != secrets[1])
        #expect(links[0] == links[2] && links[0] != links[1])
        let assertions = transport.requests.compactMap { $0.form["assertion"] }
        #expect(!assertions.contains(caller(number: 9).reveal()))
        let own = try await service.token(for: named).secret
        #expect(!secrets.contains(own), "without a caller the file's person is meant")
    }

    @Test("for a missing consent the error has the address where an administrator gives it")
    func consent() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.refusal("invalid_grant", code: 65_001) }
        let error = await #expect(throws: MMError.self) {
            try await service(transport).token(onBehalfOf: caller(), for: try connection())
        }
        let link = error?.details["consentUrl"]?.string ?? ""
        #expect(error?.code == .forbidden && link.hasSuffix("/adminconsent?client_id=\(Contoso.app)"))
        #expect(error?.hint?.contains(link) == true)
    }

    @Test("a connection without an app credential can't act for others")
    func noCredential() async throws {
        let transport = numbering()
        let error = await #expect(throws: MMError.self) {
            try await service(transport).token(onBehalfOf: caller(), for: try Contoso.connection())
        }
        #expect(error?.code == .invalidInput && transport.requests.isEmpty)
    }

    @Test("the number of stored tokens is limited")
    func limit() {
        let tokens = AssertionTokens(most: 10)
        let now = Timestamp(seconds: clock.now)
        for number in 0..<100 {
            let account = SignedInAccount(username: "a", objectID: "o", tenantID: "t", homeAccountID: "h")
            let token = AccessToken(
                secret: Secret("\(number)"), expiresAt: now + .seconds(100 + number), resource: .graph,
                connection: "Contoso", account: account)
            let key = AssertionTokens.Key(identity: [], resource: .graph, assertion: [UInt8(number)])
            tokens.keep(token, for: key, now: now)
            #expect(tokens.find(key)?.secret == token.secret && tokens.count <= 10)
        }
    }
}
