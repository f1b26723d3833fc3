import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMEgress

/// Tokens for programs that ask for them as on a machine of Azure.
@Suite("The identity of a session's programs", .timeLimit(.minutes(5)))
struct ProgramIdentityTests {
    private static let client = "12128f48-ec9e-42f0-b203-ea49fb6af367"

    /// A proxy with an identity whose placeholders stand for Graph's token.
    private static func wire(_ upstream: Upstream, failing error: MMError? = nil) async throws -> TestWire {
        try await TestWire(upstream: upstream.port) { configuration in
            let vault = configuration.vault
            configuration.identity = ProgramIdentity(clientID: client, names: [TestToken.object]) {
                (audience) async throws(MMError) in
                if let error { throw error }
                let token = Secret(TestToken.access(audience: audience))
                return ProgramIdentity.Issued(
                    text: try vault.placeholder(for: token, account: "admin@contoso.com"),
                    expiresAt: .now + PlaceholderVault.life)
            }
        }
    }

    private static func asked(
        _ wire: TestWire, _ target: String, _ fields: String..., form: String? = nil
    ) async throws -> (status: Int, body: JSONValue) {
        let host =
            target.hasPrefix("http")
            ? String(target.dropFirst(7).prefix { $0 != "/" }) : "127.0.0.1:\(wire.session.port)"
        let method = form == nil ? "GET" : "POST"
        let length = form.map { ["Content-Length: \($0.utf8.count)"] } ?? []
        let lines = ["\(method) \(target) HTTP/1.1", "Host: \(host)", "Connection: close"] + length + fields
        let sent = lines.joined(separator: "\r\n") + "\r\n\r\n" + (form ?? "")
        let text = try await RawSession.plain(wire, Array(sent.utf8))
        let status = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) }, "\(text)")
        let end = try #require(text.firstRange(of: "\r\n\r\n"))
        return (status, try JSONParser.parse(String(text[end.upperBound...])))
    }

    private static let path = "/metadata/identity/oauth2/token?resource=https://graph.microsoft.com"

    @Test("each protocol gets a placeholder with the real claims, which the proxy replaces by the token")
    func issued() async throws {
        let upstream = try Upstream()
        let wire = try await Self.wire(upstream)
        let header = try #require(wire.session.environment["IDENTITY_HEADER"])
        #expect(wire.session.environment["MSI_SECRET"] == header)
        let asked = [
            try await Self.asked(wire, Self.path + "&api-version=2019-08-01", "X-IDENTITY-HEADER: \(header)"),
            try await Self.asked(wire, Self.path + "&api-version=2017-09-01", "secret: \(header)"),
            try await Self.asked(wire, Self.path + "&api-version=2018-02-01", "Metadata: true"),
            try await Self.asked(wire, "http://169.254.169.254" + Self.path, "Metadata: true"),
            try await Self.asked(wire, "http://127.0.0.1:\(wire.session.port)" + Self.path, "Metadata: true"),
            try await Self.asked(wire, Self.path + "&client_id=\(Self.client.uppercased())", "Metadata: true"),
            try await Self.asked(
                wire, "/metadata/identity/oauth2/token?scope=https://graph.microsoft.com/.default", "Metadata: true"),
            // Cloud Shell's protocol.
            try await Self.asked(
                wire, "/metadata/identity/oauth2/token", "Metadata: true",
                form: "resource=https%3A%2F%2Fgraph.microsoft.com&client_id=\(Self.client)"),
        ]
        for (status, body) in asked {
            #expect(status == 200 && body["token_type"] == "Bearer" && body["client_id"]?.string == Self.client)
            #expect(body["resource"]?.string == "https://graph.microsoft.com")
            let end = body["expires_on"]?.string.flatMap { Int64($0) } ?? 0
            #expect(end > Timestamp.now.seconds + 86_400 && body["expires_in"]?.string != nil)
            let token = try #require(body["access_token"]?.string)
            let claims = try #require(TokenText(token).parts?.claims)
            #expect(claims["oid"]?.string == TestToken.object && claims["scp"] == "User.Read.All")
            if Curl.path != nil {
                let answer = try await Curl.run(
                    wire, ["-H", "Authorization: Bearer \(token)", "https://graph.microsoft.com/v1.0/me"])
                #expect(answer.status == "200")
            }
        }
        if Curl.path != nil {
            #expect(upstream.received.count == asked.count)
            #expect(
                upstream.received.allSatisfy { $0.headers["authorization"]?.hasPrefix("Bearer real-token") == true })
        }
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a request without the secret, or for something else, gets none",
        arguments: [
            ("?resource=https://graph.microsoft.com", "Accept: */*", 400),
            ("?resource=https://graph.microsoft.com", "X-IDENTITY-HEADER: guessed", 401),
            ("?resource=https://graph.microsoft.com", "secret: guessed", 401),
            (
                "?resource=https://graph.microsoft.com&client_id=5a4db0c5-0000-4000-8000-00000000a001",
                "Metadata: true", 400
            ),
            ("?api-version=2018-02-01", "Metadata: true", 400),
            ("/../instance?api-version=2018-02-01", "Metadata: true", 404),
        ])
    func refused(_ query: String, _ field: String, _ status: Int) async throws {
        let upstream = try Upstream()
        let wire = try await Self.wire(upstream)
        let answer = try await Self.asked(wire, "/metadata/identity/oauth2/token" + query, field)
        #expect(answer.status == status && answer.body["access_token"] == nil)
        #expect(answer.body["error_description"]?.string?.isEmpty == false)
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a form that names another identity, repeats a field, or is invalid, gets none",
        arguments: [
            "resource=https://graph.microsoft.com&client_id=5a4db0c5-0000-4000-8000-00000000a001",
            "resource=https://graph.microsoft.com&resource=https://management.azure.com", "{}", "",
            "resource=https://graph.microsoft.com&x=" + String(repeating: "a", count: 9_000),
        ])
    func forms(_ form: String) async throws {
        let upstream = try Upstream()
        let wire = try await Self.wire(upstream)
        let answer = try await Self.asked(wire, "/metadata/identity/oauth2/token", "Metadata: true", form: form)
        #expect(answer.status == 400 && answer.body["access_token"] == nil)
        let two = try await Self.asked(wire, Self.path, "Metadata: true", form: "resource=https://vault.azure.net")
        #expect(two.status == 400)
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "the reason for a missing token is reported so that clients try again only if that helps",
        arguments: [(MMErrorCode.signInNeeded, 400), (.unavailable, 503), (.invalidInput, 400)])
    func failed(_ code: MMErrorCode, _ status: Int) async throws {
        let upstream = try Upstream()
        let wire = try await Self.wire(
            upstream, failing: MMError(code, "Nobody is signed in.", hint: "mm login Contoso"))
        let answer = try await Self.asked(wire, Self.path, "Metadata: true")
        #expect(answer.status == status)
        #expect(answer.body["error_description"]?.string?.contains("mm login Contoso") == true)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a session without an identity has no such endpoint")
    func none() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        #expect(wire.session.environment["IDENTITY_ENDPOINT"] == nil)
        let text = try await RawSession.plain(
            wire, Array("GET \(Self.path) HTTP/1.1\r\nHost: x\r\nMetadata: true\r\nConnection: close\r\n\r\n".utf8))
        #expect(text.hasPrefix("HTTP/1.1 407"))
        await wire.session.close()
        await upstream.stop()
    }
}
