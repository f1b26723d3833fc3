import MMCore
import MMHTTP
import OAuthFixtures
import Testing

@testable import MMIdentity

@Suite("Access tokens of Entra ID", .timeLimit(.minutes(5)))
struct EntraTokenTests {
    private let fixture: OAuthFixture

    init() throws { fixture = try OAuthFixture() }

    private func verifier(_ tenant: String, named: String, tenants: Set<String> = []) -> TokenVerifier {
        let issuer = "https://login.microsoftonline.com/\(tenant)/v2.0"
        let stub = SignInServiceStub(
            metadata: OAuthFixture.metadata(of: "https://login.microsoftonline.com/\(named)/v2.0"),
            keys: fixture.keySet("entra"))
        var policy = TokenPolicy(audiences: [OAuthFixture.app])
        policy.tenants = tenants
        return TokenVerifier(policy, IssuerDirectory(issuer: issuer, transport: stub))
    }

    private func kind(_ name: String, _ verifier: TokenVerifier) async throws -> CallerRefusal.Kind? {
        let token = try fixture.token(name)
        let result = await Result { () async throws(CallerRefusal) in try await verifier.verify(token) }
        guard case .failure(let refusal) = result else { return nil }
        return refusal.kind
    }

    @Test(
        "are accepted in both versions, under the tenant's id, its domain and the multi-tenant address",
        arguments: [
            (OAuthFixture.tenant, OAuthFixture.tenant), ("contoso.com", OAuthFixture.tenant),
            ("organizations", "{tenantid}"),
        ])
    func issuers(tenant: String, named: String) async throws {
        let verifier = verifier(tenant, named: named, tenants: [OAuthFixture.tenant])
        for name in ["entra 2.0", "entra 1.0"] {
            let token = try fixture.token(name)
            let holder = try await verifier.verify(token)
            #expect(holder.id == "\(OAuthFixture.tenant)/44444444-4444-4444-8444-444444444444")
        }
        #expect(try await kind("entra other tenant", verifier) != nil)
        for name in [
            "entra other tenant's issuer", "entra other tenant's id", "entra without tenant", "entra tenant's own key",
            "entra issuer elsewhere",
        ] {
            #expect(try await kind(name, verifier) == .invalid, "\(name)")
        }
    }

    @Test("those of another tenant are forbidden at the multi-tenant address, unless the tenant is admitted")
    func allowList() async throws {
        let ours = verifier("common", named: "{tenantid}", tenants: [OAuthFixture.tenant])
        #expect(try await kind("entra other tenant", ours) == .forbidden)
        let both = verifier(
            "common", named: "{tenantid}", tenants: [OAuthFixture.tenant, OAuthFixture.otherTenant])
        #expect(try await kind("entra other tenant", both) == nil)
    }

    @Test("are only accepted from the service with its own issuer name")
    func names() {
        let entra = "https://login.microsoftonline.com/\(OAuthFixture.tenant)/v2.0"
        #expect(IssuerName("https://evil.example/\(OAuthFixture.tenant)/v2.0", configured: entra) == nil)
        #expect(IssuerName("https://login.microsoftonline.us/\(OAuthFixture.tenant)/v2.0", configured: entra) == nil)
        #expect(IssuerName("https://login.microsoftonline.com/contoso.com/v2.0", configured: entra) == nil)
        #expect(IssuerName("https://issuer.example/", configured: "https://issuer.example") == nil)
        #expect(IssuerName("https://issuer.example", configured: "https://issuer.example") != nil)
        #expect(IssuerName.servesEveryTenant("https://login.microsoftonline.com/common/v2.0"))
        #expect(!IssuerName.servesEveryTenant(entra))
    }
}
