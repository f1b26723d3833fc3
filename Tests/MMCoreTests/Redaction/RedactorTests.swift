import MMCore
import TestSupport
import Testing

/// Invented secrets in realistic forms.
private enum Fake {
    static let jwt = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2dyYXBoIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    static let refresh = "0.AXoA" + String(repeating: "Ab9_-", count: 40)
    static let clientSecret = "Abc8Q~" + String(repeating: "xY1_", count: 8) + "ab"
    static let code = "0.AXoAUlltD47LV0qcQXvg0qT4EXCeHFo0LW9Ljhn"
}

@Suite("Redaction", .timeLimit(.minutes(5)))
struct RedactorTests {
    let redactor = Redactor.standard

    @Test(
        "values of secret names are removed from JSON, whatever their spelling and type",
        arguments: [
            "access_token", "accessToken", "AccessToken", "refresh-token", "id_token", "client_secret", "clientSecret",
            "password", "Password", "passwd", "pwd", "client_assertion", "Cookie", "Set-Cookie", "Authorization",
            "Proxy-Authorization", "device_code", "deviceCode", "code_verifier", "secretText", "x-api-key", "apiKey",
            "sig",
            "passphrase", "credentials", "privateKey", "sas", "bearer", "connectionString", "certificatePassword",
        ])
    func secretNames(name: String) {
        for value: JSONValue in ["hunter2", ["hunter2"], ["a": "hunter2"], 1.5] {
            let clean = redactor.json([.object([name: value, "keep": "this"])])
            #expect(clean[0]?[name] == .string(Redactor.mark))
            #expect(clean[0]?["keep"] == "this")
        }
    }

    @Test(
        "names that only resemble secret ones keep their values",
        arguments: [
            "token_type", "tokenCache", "tokenEndpoint", "expires_in", "secretFile", "tokenFile", "passwordPolicies",
            "$skiptoken",
            "skipToken",
            "@odata.deltaToken", "subject", "message", "displayName", "user_code", "verification_uri", "tokenLifetime",
            "passwordExpires", "authorizationEndpoint", "codeName", "cookieCount", "signature",
        ])
    func harmlessNames(name: String) {
        #expect(redactor.json(.object([name: "plain"]))[name] == "plain")
        #expect(redactor.text("\(name)=plain; \"\(name)\": \"plain\"") == "\(name)=plain; \"\(name)\": \"plain\"")
    }

    @Test("flags, counts, and empty or missing values of secret names stay: they reveal nothing")
    func flags() {
        let object: JSONObject = ["password": nil, "token": true, "secret": "", "maxTokens": 100, "tokens": 12]
        #expect(redactor.object(object) == object)
    }

    @Test(
        "the code of a sign-in is removed, an error's code stays",
        arguments: [
            (Fake.code, true), ("FJC3WX9K2", true), ("invalid_grant", false), ("Request_ResourceNotFound", false),
            ("AADSTS50076", false), ("404", false), ("-32602", false), ("0x80070005", false),
            ("ErrorItemNotFound", false),
            ("", false), (String(repeating: "a", count: 65), true),
        ])
    func codes(value: String, secret: Bool) {
        #expect(
            redactor.json(["error": ["code": .string(value)]])["error"]?["code"]
                == .string(secret ? Redactor.mark : value))
        if !value.isEmpty {
            let shown = secret ? Redactor.mark : value
            #expect(
                redactor.text("https://localhost/?code=\(value)&state=1") == "https://localhost/?code=\(shown)&state=1")
        }
    }

    @Test("a number as a code stays a number")
    func numericCode() {
        #expect(redactor.json(["code": 404])["code"] == 404)
    }

    @Test(
        "secrets in free text are found by their shape and by the name before them",
        arguments: [
            ("Bearer \(Fake.jwt)", "Bearer ‹redacted›"), ("token was \(Fake.jwt).", "token was ‹redacted›"),
            ("Authorization: Bearer abcDEF123456\nNext: 1", "Authorization: ‹redacted›\nNext: 1"),
            ("authorization: Basic dXNlcjpwYXNz", "authorization: ‹redacted›"),
            ("sent Basic dXNlcjpwYXNz to it", "sent Basic ‹redacted› to it"),
            ("Cookie: a=b; c=d\r\nHost: x", "Cookie: ‹redacted›\r\nHost: x"),
            ("Set-Cookie: sid=abc; Path=/", "Set-Cookie: ‹redacted›"),
            (
                "grant_type=refresh_token&refresh_token=abc123&scope=x",
                "grant_type=refresh_token&refresh_token=‹redacted›&scope=x"
            ),
            ("client_secret=a%2Bb&x=1", "client_secret=‹redacted›&x=1"),
            (#"{"access_token":"abc","expires_in":3599}"#, #"{"access_token":"‹redacted›","expires_in":3599}"#),
            (#"{"password": "a\"b", "x": "y"}"#, #"{"password": "‹redacted›", "x": "y"}"#),
            (#"body: "{\"password\":\"abc\",\"x\":1}""#, #"body: "{\"password\":\"‹redacted›\",\"x\":1}""#),
            ("password='two words' x", "password='‹redacted›' x"), ("Password: hunter2", "Password: ‹redacted›"),
            ("@{ClientSecret='abc'; Name='n'}", "@{ClientSecret='‹redacted›'; Name='n'}"),
            ("Connect-X -ClientSecret abc -Tenant t", "Connect-X -ClientSecret ‹redacted› -Tenant t"),
            ("Connect-X -AccessToken $token -Tenant t", "Connect-X -AccessToken $token -Tenant t"),
            ("mm --client-secret abc run", "mm --client-secret ‹redacted› run"),
            (
                "ConvertTo-SecureString 'pa ss' -AsPlainText -Force",
                "ConvertTo-SecureString '‹redacted›' -AsPlainText -Force"
            ),
            (
                "ConvertTo-SecureString -AsPlainText -Force \"pass\"",
                "ConvertTo-SecureString -AsPlainText -Force \"‹redacted›\""
            ),
            ("ConvertTo-SecureString -String pass -Force", "ConvertTo-SecureString -String ‹redacted› -Force"),
            ("refresh \(Fake.refresh) ok", "refresh ‹redacted› ok"),
            ("secret: \(Fake.clientSecret)", "secret: ‹redacted›"),
            ("value \(Fake.clientSecret) leaked", "value ‹redacted› leaked"),
            ("https://user:pass@host/path", "https://‹redacted›@host/path"),
            (
                "https://store.blob.core.windows.net/c?sv=1&sig=abc%3D&se=2",
                "https://store.blob.core.windows.net/c?sv=1&sig=‹redacted›&se=2"
            ),
            ("<password>abc</password>", "<password>‹redacted›</password>"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----\nafter", "‹redacted›\nafter"
            ),
            ("-----BEGIN PRIVATE KEY-----\nMIIE", "‹redacted›"),
            ("AccountKey=abc123==;EndpointSuffix=x", "AccountKey=‹redacted›;EndpointSuffix=x"),
        ])
    func texts(text: String, clean: String) {
        #expect(redactor.text(text) == clean)
        #expect(redactor.text(clean) == clean)
        #expect(redactor.json(.string(text)).string == clean)
    }

    @Test(
        "ordinary texts aren't changed",
        arguments: [
            "", "Get-Mailbox -ResultSize 5", "GET https://graph.microsoft.com/v1.0/me/messages?$top=5&$skiptoken=abc",
            "The token has expired.", "code: invalid_request", "error code 50076",
            "could not sign in by device code: AADSTS53003: Access has been blocked by Conditional Access policies.",
            "POST http://127.0.0.1:42229/oauth2/v2.0/token: Could not connect to 127.0.0.1.",
            "refresh token: AADSTS50173, and token: AADSTS700082: it has ended.",
            "AADSTS50076: you must use multi-factor",
            "basic authentication is off", "bearer token missing", "user@contoso.com signed in",
            "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----", "id 0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811",
            "http://localhost:5200/run", "Größe – naïve 😀 日本", "eyJ", "exit code: 137", "0.Ab is short", "a://b c@d",
            "https://@contoso.com/",
            "2026-03-01 12:00:00 [INFO] session_pool - [A/exo] done in 12.5 ms",
        ])
    func ordinary(text: String) {
        #expect(redactor.text(text) == text)
    }

    @Test("known secrets are removed wherever they occur")
    func known() {
        let redactor = Redactor(known: [Secret("correct horse battery"), Secret("short"), Secret("correct horse")])
        #expect(redactor.text("say correct horse battery!") == "say ‹redacted›!")
        #expect(redactor.text("xcorrect horsey short") == "x‹redacted›y short")
        #expect(redactor.json(["a": "correct horse battery"])["a"] == "‹redacted›")
    }

    @Test("secrets are removed from all parts of an error")
    func errors() {
        let error = MMError(
            .remoteFailed, "Bearer \(Fake.jwt) was refused", hint: "not password=abc",
            details: ["access_token": "abc", "list": [.string("secret=abc")]], cause: "Authorization: Bearer abcd")
        let clean = redactor.error(error)
        let shown = "\(clean) \(clean.cause ?? "") \(JSONValue.object(clean.json))"
        #expect(!shown.contains("abc") && !shown.contains("eyJ"))
        #expect(clean.code == .remoteFailed)
    }

    @Test("no invented secret survives in random surroundings", arguments: 0..<10)
    func fuzz(seed: Int) {
        var generator = SeededRandom(seed: UInt64(seed))
        let frames = [
            "Authorization: Bearer %", "access_token=%", "{\"refresh_token\": \"%\"}", "password='%'",
            "-Password \"%\"",
            "client_secret: %", "https://x.y/?sig=%", "set-cookie: %", "Bearer %",
        ]
        let noise = Array("{}[]\"'\\=:&;,<>()-_ \n\tabcXYZ0189.~/@é\u{0}")
        for _ in 0..<300 {
            let secret = "S3cr" + Hex.text((0..<8).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
            let frame = (frames.randomElement(using: &generator) ?? "%").replacing("%", with: secret)
            let front = String(
                (0..<Int.random(in: 0..<20, using: &generator)).compactMap { _ in noise.randomElement(using: &generator)
                })
            let back = String(
                (0..<Int.random(in: 0..<20, using: &generator)).compactMap { _ in noise.randomElement(using: &generator)
                })
            // End the line before the secret, as in a log.
            let clean = redactor.text("\(front)\n\(frame)\n\(back)")
            #expect(!clean.contains(secret), "\(front)\n\(frame)")
        }
    }

    @Test("random bytes are passed through or cut, but never crash", arguments: 0..<5)
    func noise(seed: Int) {
        var generator = SeededRandom(seed: UInt64(100 + seed))
        let pieces = [
            "password", "token", "=", ":", "\"", "'", "\\", " ", "-", "eyJ", "0.A", "Q~", "://", "@", "-----BEGIN ",
            "PRIVATE KEY", "code", ">", "Bearer ", "é",
        ]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0..<25, using: &generator)).compactMap { _ in
                pieces.randomElement(using: &generator)
            }.joined()
            let clean = redactor.text(text)
            #expect(redactor.text(clean).utf8.count <= clean.utf8.count + 200)
        }
    }

    @Test(
        "time is linear in the length of the text",
        arguments: ["a.", "eyJ", "0.A", "password ", "x=\"", "-----BEGIN ", "\\\"", "://", "token:", "Bearer "])
    func linear(piece: String) {
        let (small, large) = (String(repeating: piece, count: 4000), String(repeating: piece, count: 32_000))
        let ratio = ProcessorTime.ratio(of: { _ = redactor.text(large) }, to: { _ = redactor.text(small) })
        #expect(ratio < 60, "eight times the text took \(ratio) times as long")
    }
}
