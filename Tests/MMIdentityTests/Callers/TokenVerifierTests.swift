import MMCore
import MMHTTP
import OAuthFixtures
import Testing

@testable import MMIdentity

@Suite("Access tokens", .timeLimit(.minutes(5)))
struct TokenVerifierTests {
    private let fixture: OAuthFixture
    private let stub: SignInServiceStub

    init() throws {
        fixture = try OAuthFixture()
        stub = SignInServiceStub(
            metadata: OAuthFixture.metadata(of: OAuthFixture.issuer), keys: fixture.keySet("first"))
    }

    private func verifier(
        clock: WallClock = .system, _ change: (inout TokenPolicy) -> Void = { _ in }
    ) -> TokenVerifier {
        var policy = TokenPolicy(audiences: [OAuthFixture.audience])
        change(&policy)
        return TokenVerifier(
            policy, IssuerDirectory(issuer: OAuthFixture.issuer, transport: stub, clock: clock), clock: clock)
    }

    /// The result: admitted, or the kind of refusal.
    private func judged(_ name: String, by verifier: TokenVerifier) async throws -> Result<TokenHolder, CallerRefusal> {
        let token = try fixture.token(name)
        let result = await Result { () async throws(CallerRefusal) in try await verifier.verify(token) }
        // The synchronous and asynchronous checks agree.
        switch (verifier.look(at: token), result) {
        case (.admitted(let one), .success(let other)): #expect(one == other)
        case (.refused(let one), .failure(let other)): #expect(one == other)
        case (.open, _): Issue.record("\(name) is still open after the service was asked")
        default: Issue.record("\(name) is judged in two ways")
        }
        return result
    }

    @Test(
        "valid ones are admitted",
        arguments: [
            "rs256", "ps256", "es256", "access token type", "list of audiences", "without key name",
            "tenant by its own word",
        ])
    func good(name: String) async throws {
        let holder = try await judged(name, by: verifier()).get()
        #expect(holder.id == "\(OAuthFixture.issuer) alice")
        #expect(holder.name == "alice@example.com")
    }

    @Test(
        "that are forged, foreign or out of time are refused with 401",
        arguments: [
            "unsigned", "unsigned with the good name", "HMAC with the public key", "HMAC called RS256",
            "another key of the same name", "key in the header", "key address in the header",
            "curve's signature under an RSA name", "signature cut off", "claims of another token", "weak key",
            "encryption key", "unknown key", "rotated", "critical extension", "another type", "two subjects",
            "another audience", "audience with a slash more", "without audience", "another issuer",
            "issuer with a slash more", "expired", "not yet valid", "issued in the future", "without end",
            "end that is a text", "without subject", "id token", "id token with a hash",
        ])
    func bad(name: String) async throws {
        guard case .failure(let refusal) = try await judged(name, by: verifier()) else {
            Issue.record("\(name) was admitted")
            return
        }
        #expect(refusal.kind == .invalid)
        #expect(refusal.status == 401)
        let challenge = try #require(refusal.challenge(metadata: "https://mcp.example/m"))
        #expect(challenge.hasPrefix("Bearer error=\"invalid_token\", error_description=\""))
        #expect(challenge.hasSuffix("resource_metadata=\"https://mcp.example/m\""))
    }

    @Test(
        "those of another form or too long are refused before any request",
        arguments: ["", "abc", "a.b.c", "…"])
    func shapes(text: String) async throws {
        let verifier = verifier()
        for token in [text, String(repeating: "a", count: SignedToken.longest + 1)] {
            guard case .refused(let refusal) = verifier.look(at: token) else {
                Issue.record("\(token.prefix(20)) was not refused")
                continue
            }
            #expect(refusal.kind == .invalid)
        }
        #expect(stub.state.withLock { $0.asked }.isEmpty)
    }

    @Test("need the required scopes, and the refusal names them")
    func scopes() async throws {
        let verifier = verifier { $0.scopes = ["https://mcp.example/mcp/mm.use"] }
        _ = try await judged("rs256", by: verifier).get()
        _ = try await judged("scopes", by: verifier).get()
        for name in ["other scope", "without scope", "app with role"] {
            guard case .failure(let refusal) = try await judged(name, by: verifier) else {
                Issue.record("\(name) was admitted")
                continue
            }
            #expect(refusal.kind == .insufficientScope)
            #expect(refusal.status == 403)
            let challenge = try #require(refusal.challenge(metadata: "m"))
            #expect(challenge.contains("error=\"insufficient_scope\""))
            #expect(challenge.contains("scope=\"https://mcp.example/mcp/mm.use\""))
        }
        // An app that signs in by itself has a role instead of a scope.
        let withRoles = self.verifier {
            $0.scopes = ["mm.use"]
            $0.roles = ["Operator"]
        }
        _ = try await judged("app with role", by: withRoles).get()
    }

    @Test("need one of the groups or roles; the refusal says if the token has too many groups to list")
    func groups() async throws {
        let verifier = verifier {
            $0.groups = ["g2"]
            $0.roles = ["Operator"]
        }
        for name in ["group", "role"] { _ = try await judged(name, by: verifier).get() }
        for name in ["other group", "rs256", "too many groups", "has groups"] {
            guard case .failure(let refusal) = try await judged(name, by: verifier) else {
                Issue.record("\(name) was admitted")
                continue
            }
            #expect(refusal.kind == .forbidden)
            #expect(refusal.challenge(metadata: "m") == nil)
            let isOverage = name == "too many groups" || name == "has groups"
            #expect(refusal.message.contains("more groups than an access token can list") == isOverage)
        }
    }

    @Test("those of tenants that aren't admitted are refused, also by a service without tenants")
    func tenants() async throws {
        let verifier = verifier { $0.tenants = [OAuthFixture.tenant] }
        _ = try await judged("tenant by its own word", by: verifier).get()
        guard case .failure(let refusal) = try await judged("rs256", by: verifier) else {
            Issue.record("a token without tenant was admitted")
            return
        }
        #expect(refusal.kind == .forbidden)
    }

    @Test("are accepted for a minute after their expiry, because clocks differ", arguments: [(59, true), (61, false)])
    func skew(seconds: Int64, isAdmitted: Bool) async throws {
        let verifier = verifier(clock: WallClock { Timestamp(seconds: 4_102_444_800 + seconds) })
        let result = try await judged("rs256", by: verifier)
        #expect(((try? result.get()) != nil) == isAdmitted)
    }
}
