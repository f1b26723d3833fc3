import COpenSSL
import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMSandbox

@Suite("The token endpoint", .timeLimit(.minutes(5)))
struct TokenEndpointTests {
    @Test("a refresh serves another resource and hands out a new refresh token")
    func refresh() async {
        let bench = Bench()
        let first = await bench.signIn()["refresh_token"]?.string ?? ""
        let answer = await bench.refresh(
            first, scope: "https://service.flow.microsoft.com/.default offline_access openid profile",
            more: [("client_info", "1")])
        #expect(answer.status == 200)
        #expect(claims(of: answer.json["access_token"])["aud"] == "https://service.flow.microsoft.com")
        #expect(answer.json["scope"]?.string?.hasSuffix("https://service.flow.microsoft.com/.default") == true)
        let second = answer.json["refresh_token"]?.string ?? ""
        #expect(!second.isEmpty && second != first)
        #expect(await bench.refresh(first).status == 200, "the old one lives on, as in Entra")
        #expect(await bench.refresh(second).status == 200)
    }

    @Test("with strict rotation a used refresh token is dead")
    func strictRotation() async {
        let bench = Bench { $0.refreshRotation = .renewAndRevoke }
        let first = await bench.signIn()["refresh_token"]?.string ?? ""
        let second = await bench.refresh(first).json["refresh_token"]?.string ?? ""
        let reused = await bench.refresh(first)
        #expect(reused.errorCode == "invalid_grant")
        #expect(reused.json["suberror"] == "bad_token")
        #expect(await bench.refresh(second).status == 200)
    }

    @Test("revoked sessions, unknown tokens and foreign clients are refused")
    func refused() async {
        let bench = Bench()
        let token = await bench.signIn()["refresh_token"]?.string ?? ""
        #expect(await bench.refresh("unknown").number == 70_000)
        let foreign = await bench.post(
            "\(Bench.authority)/token",
            [("grant_type", "refresh_token"), ("client_id", TenantIdentity.readerApp), ("refresh_token", token)])
        #expect(foreign.errorCode == "invalid_grant")
        #expect(await bench.control("POST", "revoke", ["account": .string(TenantIdentity.administrator)]).status == 200)
        #expect(await bench.refresh(token).number == 50_173)
        bench.clock.advance(by: 91 * 86_400)
        let later = await bench.signIn()["refresh_token"]?.string ?? ""
        bench.clock.advance(by: 91 * 86_400)
        #expect(await bench.refresh(later).number == 700_082)
    }

    @Test("an app acts for the person whose token it was sent, if that token was meant for it")
    func onBehalfOf() async {
        let bench = Bench()
        let first = await bench.signIn()["refresh_token"]?.string ?? ""
        let app = TenantIdentity.automationApp
        func exchange(_ assertion: String) async -> HTTPServerResponse {
            await bench.post(
                "\(Bench.authority)/token",
                [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("client_id", app),
                    ("client_secret", TenantIdentity.automationSecret), ("requested_token_use", "on_behalf_of"),
                    ("assertion", assertion), ("scope", "https://graph.microsoft.com/.default openid"),
                ])
        }
        let meant = await bench.refresh(first, scope: "api://\(app)/.default openid").json["access_token"]?.string ?? ""
        let answer = await exchange(meant)
        #expect(answer.status == 200)
        let given = claims(of: answer.json["access_token"])
        #expect(given["idtyp"] == "user" && given["aud"] == "https://graph.microsoft.com")
        #expect(given["appid"] == .string(app))
        #expect(await exchange(await bench.refresh(first).json["access_token"]?.string ?? "").number == 500_131)
        #expect(await exchange(meant + "x").number == 50_013)
        bench.clock.advance(by: 7200)
        #expect(await exchange(meant).number == 500_133)
    }

    @Test("the vendor's command line clients share refresh tokens, and no other app uses them")
    func family() async {
        let bench = Bench()
        let signedIn = await bench.signIn(app: "04b07795-8ddb-461a-bbee-02f9e1bf7b46")
        #expect(signedIn["foci"] == "1")
        let token = signedIn["refresh_token"]?.string ?? ""
        func refresh(_ app: String) async -> HTTPServerResponse {
            await bench.post(
                "\(Bench.authority)/token",
                [("grant_type", "refresh_token"), ("client_id", app), ("refresh_token", token)])
        }
        #expect(await refresh("1950a258-227b-4e31-a9cf-717495945fc2").status == 200)
        #expect(await refresh(TenantIdentity.readerApp).errorCode == "invalid_grant")
    }

    @Test("an account that needs a second factor is told so at the refresh, with claims")
    func secondFactor() async throws {
        let bench = Bench()
        let token = await bench.signIn("mia.factor@contoso-sandbox.example")["refresh_token"]?.string ?? ""
        let answer = await bench.refresh(token)
        #expect(answer.errorCode == "interaction_required")
        #expect(answer.number == 50_076)
        #expect(answer.json["suberror"] == "basic_action")
        #expect(try JSONParser.parse(answer.json["claims"]?.string ?? "")["access_token"] != nil)
    }

    private static let appOnly = [
        ("grant_type", "client_credentials"), ("client_id", TenantIdentity.automationApp),
        ("scope", "https://graph.microsoft.com/.default"),
    ]

    @Test("an app with its secret gets a token of its own, without refresh and identity")
    func secret() async {
        let bench = Bench()
        let answer = await bench.post(
            "\(Bench.authority)/token", Self.appOnly + [("client_secret", TenantIdentity.automationSecret)])
        #expect(answer.status == 200)
        #expect(answer.json.object?.keys == ["token_type", "expires_in", "ext_expires_in", "access_token"])
        let token = answer.json["access_token"]?.string ?? ""
        #expect(claims(of: answer.json["access_token"])["idtyp"] == "app")
        #expect(await bench.graph("GET", "/v1.0/users?$top=1", token: token).status == 200)
        #expect(
            await bench.graph("GET", "/v1.0/users/\(TenantIdentity.administrator)/messages", token: token).status == 200
        )
        #expect(await bench.graph("GET", "/v1.0/me", token: token).status == 400)
    }

    @Test(
        "an app may name itself in the header alone, and a wrong secret there has its number",
        arguments: [
            (TenantIdentity.automationSecret, nil), ("sandbox%7Eautomation%7Esecret", nil), ("wrong", 7_000_215),
        ])
    func secretInHeader(secret: String, number: Int?) async {
        let given = Base64.text(Array("\(TenantIdentity.automationApp):\(secret)".utf8))
        let answer = await Bench().post(
            "\(Bench.authority)/token",
            [("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")],
            headers: ["Authorization": "Basic \(given)"])
        #expect(answer.number == number)
        #expect((answer.json["access_token"] != nil) == (number == nil))
    }

    @Test("a wrong or missing credential of an app has its number")
    func wrongSecret() async {
        let bench = Bench()
        let wrong = await bench.post("\(Bench.authority)/token", Self.appOnly + [("client_secret", "wrong")])
        #expect(wrong.status == 401)
        #expect(wrong.number == 7_000_215)
        #expect(await bench.post("\(Bench.authority)/token", Self.appOnly).number == 7_000_218)
        let publicApp = await bench.post(
            "\(Bench.authority)/token",
            [
                ("grant_type", "client_credentials"), ("client_id", TenantIdentity.demoApp),
                ("scope", "https://graph.microsoft.com/.default"),
            ])
        #expect(publicApp.number == 7_000_218)
        let common = await bench.post(
            "/common/oauth2/v2.0/token", Self.appOnly + [("client_secret", TenantIdentity.automationSecret)])
        #expect(common.number == 50_059)
    }

    private static func assertion(_ header: JSONValue, _ claims: JSONValue) -> String {
        [header, claims].map { Base64.text(JSONWriter.bytes($0), alphabet: .url) }.joined(separator: ".") + ".c2ln"
    }

    /// The moment at which the fixtures' certificates are good, and assertions are made here.
    private static let moment: Int64 = 1_800_000_000
    private static let good: JSONObject = [
        "aud": .string("http://127.0.0.1:4711/\(TenantIdentity.id)/oauth2/v2.0/token"),
        "iss": .string(TenantIdentity.automationApp),
        "sub": .string(TenantIdentity.automationApp), "jti": "1", "iat": .int(moment), "exp": .int(moment + 600),
    ]

    private static func file(_ name: String) throws -> [UInt8] {
        let path = "\(BuiltPrograms.packageFolder)/Tests/Fixtures/identity/certificates/\(name)"
        return try #require(try ProtectedFile.read(path))
    }

    /// An assertion that the fixtures' key has signed.
    private static func signed(
        _ change: (inout JSONObject) -> Void = { _ in }, header named: JSONObject? = nil, key: String = "rsa.key.pem",
        certificate: String = "rsa.cert.pem", algorithm: String = "PS256"
    ) throws -> String {
        let der = try #require(AppCertificate.read(pem: try file(certificate)).first)
        var header: JSONObject =
            named ?? ["x5t#S256": .string(Base64.text(SHA256.digest(der), alphabet: .url))]
        header["alg"] = .string(algorithm)
        var claims = good
        change(&claims)
        let body = [header, claims].map { Base64.text(JSONWriter.bytes(.object($0)), alphabet: .url) }
            .joined(separator: ".")
        let pem = try file(key)
        let raw = try #require(mm_credential_read_key(pem, Int32(pem.count)))
        defer { mm_credential_free(raw) }
        var room = [UInt8](repeating: 0, count: 1024)
        let count = mm_credential_sign(raw, Array(body.utf8), Int32(body.utf8.count), &room, 1024)
        try #require(count > 0)
        return "\(body).\(Base64.text(Array(room.prefix(Int(count))), alphabet: .url))"
    }

    private func send(
        _ assertion: String, to bench: Bench, headers: [String: String] = [:]
    ) async -> HTTPServerResponse {
        await bench.post(
            "\(Bench.authority)/token",
            Self.appOnly + [
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion),
            ], headers: headers)
    }

    /// A tenant whose confidential app has these certificates.
    private func bench(_ certificates: String...) throws -> Bench {
        let all = try certificates.flatMap { AppCertificate.read(pem: try Self.file($0)) }
        let bench = Bench { $0.certificates = all }
        bench.clock.advance(by: Self.moment - 1_767_225_600)
        return bench
    }

    @Test("an app signs in with what its certificate has signed, again and again, and with nothing of another one")
    func certificate() async throws {
        let bench = try bench("rsa.cert.pem")
        let assertion = try Self.signed()
        // The vendor's libraries keep an assertion while it is good.
        for _ in 0..<2 { #expect(await send(assertion, to: bench).status == 200) }
        let der = try #require(AppCertificate.read(pem: try Self.file("rsa.cert.pem")).first)
        let digest = try #require(AppCertificate(der)).thumbprint
        let older = try Self.signed(header: ["x5t": .string(Base64.text(digest, alphabet: .url))])
        #expect(await send(older, to: bench).status == 200)
        let elliptic = try Self.signed(key: "ec.key.pem", certificate: "ec.cert.pem", algorithm: "ES256")
        let unknown = await send(elliptic, to: bench)
        #expect(unknown.number == 700_027)
        let said = unknown.json["error_description"]?.string ?? ""
        #expect(said.contains("not registered on application") && said.contains("Thumbprint of key used by client"))
        #expect(await send(elliptic, to: try self.bench("rsa.cert.pem", "ec.cert.pem")).status == 200)
        // Signed by another key than the certificate that it names; and not signed at all.
        let forged = try Self.signed(key: "ec.key.pem", algorithm: "ES256")
        #expect(await send(forged, to: bench).number == 700_027)
        var parts = assertion.split(separator: ".").map(String.init)
        parts[2] = "c2ln"
        let unsigned = await send(parts.joined(separator: "."), to: bench)
        #expect(unsigned.number == 700_027)
        #expect(unsigned.json["error_description"]?.string?.contains("failed signature validation") == true)
        // One that has ended, and one that is not yet good.
        let ended = try Self.signed(certificate: "ended.cert.pem")
        let over = await send(ended, to: try self.bench("ended.cert.pem"))
        #expect(over.number == 700_027 && over.json["error_description"]?.string?.contains("is expired") == true)
    }

    @Test(
        "an assertion is meant for the host that the client asked, where a proxy names it",
        arguments: [("login.microsoftonline.com", nil), ("login.elsewhere.example", 700_023), ("", 700_023)])
    func forwarded(host: String, number: Int?) async throws {
        let audience = "https://login.microsoftonline.com/\(TenantIdentity.id)/oauth2/v2.0/token"
        let assertion = try Self.signed({ $0["aud"] = .string(audience) })
        let headers = host.isEmpty ? [:] : ["X-Forwarded-Host": host]
        #expect(await send(assertion, to: try bench("rsa.cert.pem"), headers: headers).number == number)
    }

    @Test("the times of an assertion may have fractions", arguments: [("exp", 600.5), ("iat", 0.25), ("nbf", 0.25)])
    func fractions(claim: String, offset: Double) async throws {
        let assertion = try Self.signed({ $0[claim] = .double(Double(Self.moment) + offset) })
        #expect(await send(assertion, to: try bench("rsa.cert.pem")).status == 200)
    }

    @Test("a certificate that is added to the app in Graph serves from then on, and one that is taken away does not")
    func registered() async throws {
        let bench = try bench()
        let assertion = try Self.signed()
        #expect(await send(assertion, to: bench).number == 700_027)
        let token = await bench.signIn()["access_token"]?.string ?? ""
        let place = "/v1.0/applications(appId='\(TenantIdentity.automationApp)')"
        let der = try #require(AppCertificate.read(pem: try Self.file("rsa.cert.pem")).first)
        let row: JSONValue = ["type": "AsymmetricX509Cert", "usage": "Verify", "key": .string(Base64.text(der))]
        #expect(
            await bench.graph("PATCH", place, token: token, body: ["keyCredentials": .array([row])]).status == 204)
        #expect(await send(assertion, to: bench).status == 200)
        #expect(await bench.graph("PATCH", place, token: token, body: ["keyCredentials": []]).status == 204)
        #expect(await send(assertion, to: bench).number == 700_027)
    }

    @Test(
        "an assertion's form, names, audience and times are looked at",
        arguments: [
            ("exp", JSONValue.int(moment - 400), 700_024), ("iat", .int(moment + 4_000), 700_024),
            ("aud", "https://login.elsewhere.example", 700_023), ("sub", "x", 700_021), ("jti", .null, 50_027),
            ("exp", .null, 50_027), ("exp", .double(Double(moment) - 400.5), 700_024),
        ])
    func assertions(claim: String, value: JSONValue, number: Int) async throws {
        let bench = try bench("rsa.cert.pem")
        let wrong = try Self.signed({ $0[claim] = value == .null ? nil : value })
        #expect(await send(wrong, to: bench).number == number)
    }

    @Test("an assertion that names no certificate, or has no signature of a kind that is taken, has its number")
    func unnamed() async throws {
        let bench = try bench("rsa.cert.pem")
        #expect(await send(try Self.signed(header: [:]), to: bench).number == 700_027)
        for header: JSONValue in [["alg": "none", "x5t": "a"], ["alg": "HS256", "x5t": "a"]] {
            #expect(await send(Self.assertion(header, .object(Self.good)), to: bench).number == 700_027)
        }
        #expect(await send("FAKE.JWT", to: bench).number == 50_027)
    }

    @Test("a token of another issuer stands for the app's own credential where issuer, subject and audience fit")
    func federated() async {
        let bench = Bench()
        let federated: JSONObject = [
            "iss": "https://ci.contoso-sandbox.example", "sub": "repo:contoso/mm:ref:refs/heads/main",
            "aud": "api://AzureADTokenExchange",
            "exp": 1_767_226_200,
        ]
        #expect(await send(Self.assertion(["alg": "RS256"], .object(federated)), to: bench).status == 200)
        for (name, number) in [("iss", 700_211), ("sub", 700_213), ("aud", 700_212)] {
            var wrong = federated
            wrong[name] = "other"
            #expect(await send(Self.assertion(["alg": "RS256"], .object(wrong)), to: bench).number == number)
        }
    }

    @Test(
        "requests that make no sense are refused", arguments: [("", 900_144), ("password", 50_126), ("magic", 70_003)])
    func grants(grant: String, number: Int) async {
        let bench = Bench()
        let answer = await bench.post(
            "\(Bench.authority)/token", [("client_id", TenantIdentity.demoApp), ("grant_type", grant)])
        #expect(answer.number == number)
    }

    @Test("the endpoint takes POST only, and says how it is reached")
    func discovery() async {
        let bench = Bench()
        #expect(await bench.send("GET", "\(Bench.authority)/token").status == 405)
        let configuration = await bench.send("GET", "/\(TenantIdentity.id)/v2.0/.well-known/openid-configuration").json
        #expect(
            configuration["device_authorization_endpoint"]
                == .string("http://127.0.0.1:4711\(Bench.authority)/devicecode"))
        #expect(configuration["issuer"] == .string("http://127.0.0.1:4711/\(TenantIdentity.id)/v2.0"))
        let instance = await bench.send(
            "GET",
            "/common/discovery/instance?api-version=1.1&authorization_endpoint=http%3A%2F%2F127.0.0.1%3A4711%2Fcommon%2Foauth2%2Fv2.0%2Fauthorize"
        )
        #expect(instance.json["metadata"]?[0]?["preferred_network"] == "127.0.0.1:4711")
    }

    @Test(
        "an authority for any tenant names no tenant, one by a domain names its id, and another tenant has its number",
        arguments: [
            ("common", "common", "{tenantid}"), ("Organizations", "organizations", "{tenantid}"),
            (TenantIdentity.domain, TenantIdentity.id, TenantIdentity.id),
            ("consumers", nil, nil), ("no-such-tenant.example", nil, nil),
        ])
    func authorities(named: String, root: String?, issuer: String?) async {
        let answer = await Bench().send("GET", "/\(named)/v2.0/.well-known/openid-configuration")
        let (token, own) = (answer.json["token_endpoint"]?.string, answer.json["issuer"]?.string)
        #expect(token == root.map { "\(Bench.base)/\($0)/oauth2/v2.0/token" })
        #expect(own == issuer.map { "\(Bench.base)/\($0)/v2.0" })
        guard root == nil else { return }
        #expect(answer.status == 400 && answer.errorCode == "invalid_tenant" && answer.number == 90_002)
    }

    @Test("the identity of a person is signed with a published key, and the service tells the same about the person")
    func identity() async throws {
        let bench = Bench()
        let tokens = await bench.signIn()
        let configuration = await bench.send("GET", "/\(TenantIdentity.id)/v2.0/.well-known/openid-configuration").json
        func path(_ name: String) -> String { String((configuration[name]?.string ?? "").dropFirst(Bench.base.count)) }
        let key = try #require(await bench.send("GET", path("jwks_uri")).json["keys"]?[0])
        let parts = (tokens["id_token"]?.string ?? "").split(separator: ".").map(String.init)
        try #require(parts.count == 3)
        let bytes = parts.map { Base64.bytes($0, alphabet: .url) ?? [] }
        let header = try JSONParser.parse(bytes[0])
        #expect(header["kid"] == key["kid"] && header["alg"] == key["alg"])
        #expect(configuration["id_token_signing_alg_values_supported"] == [header["alg"] ?? .null])
        let text = "\(parts[0]).\(parts[1])"
        #expect(await bench.inside { $0.graph.mint.signing.verifies(bytes[2], of: text) })
        let told = await bench.graph(
            "GET", path("userinfo_endpoint"), token: tokens["access_token"]?.string ?? "")
        #expect(told.status == 200 && told.json["email"] == .string(TenantIdentity.administrator))
        #expect(told.json["sub"] == claims(of: tokens["id_token"])["sub"])
        #expect(await bench.send("GET", path("userinfo_endpoint")).status == 401)
        let app = await bench.post(
            "\(Bench.authority)/token", Self.appOnly + [("client_secret", TenantIdentity.automationSecret)])
        let refused = await bench.graph(
            "GET", path("userinfo_endpoint"), token: app.json["access_token"]?.string ?? "")
        #expect(refused.status == 403)
    }

    @Test("after a revocation a capable client is challenged, and a token for the claims works again")
    func continuousAccess() async throws {
        let bench = Bench()
        let capability = #"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#
        let tokens = await bench.signIn(claims: capability)
        let token = tokens["access_token"]?.string ?? ""
        #expect(await bench.graph("GET", "/v1.0/me", token: token).status == 200)
        _ = await bench.control("POST", "revoke", ["account": .string(TenantIdentity.administrator)])
        let refused = await bench.graph("GET", "/v1.0/me", token: token)
        #expect(refused.status == 401)
        let header = refused.headers["WWW-Authenticate"] ?? ""
        #expect(header.contains(#"error="insufficient_claims""#))
        let challenge = header.split(separator: "claims=\"").last?.split(separator: "\"").first.map(String.init) ?? ""
        let decoded = try JSONParser.parse(try #require(Base64.bytes(challenge)))
        #expect(decoded["access_token"]?["nbf"]?["essential"] == true)
        let plain = await bench.token(TenantIdentity.wrongAccount)
        _ = await bench.control("POST", "revoke", ["account": .string(TenantIdentity.wrongAccount)])
        #expect(
            await bench.graph("GET", "/v1.0/me", token: plain).headers["WWW-Authenticate"]?.contains("claims=") == false
        )
        #expect(await bench.graph("GET", "/v1.0/me", token: await bench.token()).status == 200)
    }
}
