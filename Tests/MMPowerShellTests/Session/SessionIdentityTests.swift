import MMCore
import Testing

@testable import MMPowerShell

@Suite("Who is signed in", .timeLimit(.minutes(5)))
struct SessionIdentityTests {
    private let target: ModuleSignInTarget

    init() throws { target = try ProfileTests.target() }

    private var right: TokenClaims {
        TokenClaims(
            account: "Admin@Contoso.Example", objectID: "o", tenantID: "11111111-2222-3333-4444-555555555555",
            appID: "aaaaaaaa-2222-3333-4444-555555555555")
    }

    @Test("the expected account of the expected tenant is accepted in any case")
    func admitted() throws {
        #expect(try SessionIdentity.check(right, for: target, by: .device).name == "Admin@Contoso.Example")
    }

    @Test("another account, another tenant, and a sign-in that doesn't tell who it is are refused")
    func refused() {
        var other = right
        other.account = "eve@contoso.example"
        var elsewhere = right
        elsewhere.tenantID = "99999999-2222-3333-4444-555555555555"
        var nameless = right
        nameless.account = nil
        var homeless = right
        homeless.tenantID = nil
        for claims in [other, elsewhere, nameless, homeless, nil] {
            let error = #expect(throws: MMError.self) { try SessionIdentity.check(claims, for: target, by: .device) }
            #expect(error?.code == .forbidden)
        }
        let error = #expect(throws: MMError.self) { try SessionIdentity.check(other, for: target, by: .device) }
        #expect(error?.message.contains("eve@contoso.example") == true)
        #expect(error?.message.contains("admin@contoso.example") == true)
    }

    @Test("a pinned object id takes precedence over the name")
    func pinned() throws {
        var pinned = target
        pinned.objectID = "O"
        var renamed = right
        renamed.account = "new-name@contoso.example"
        #expect(try SessionIdentity.check(renamed, for: pinned, by: .device).claims.objectID == "o")
        var imposter = right
        imposter.objectID = "x"
        #expect(throws: MMError.self) { try SessionIdentity.check(imposter, for: pinned, by: .device) }
    }

    @Test("a pin that can't be compared is refused if there is no expected name")
    func incomparable() {
        var pinned = target
        pinned.objectID = "o"
        pinned.account = nil
        var claims = right
        claims.objectID = nil
        #expect(throws: MMError.self) { try SessionIdentity.check(claims, for: pinned, by: .device) }
    }

    @Test("without an expectation an account still has to be reported")
    func unexpecting() throws {
        var open = target
        open.account = nil
        open.tenantID = nil
        #expect(try SessionIdentity.check(right, for: open, by: .device).name == "Admin@Contoso.Example")
        #expect(throws: MMError.self) { try SessionIdentity.check(TokenClaims(), for: open, by: .device) }
    }

    @Test("an app is checked by tenant and app id, not by the account's address")
    func app() throws {
        let certificate = ModuleSignInMethod.certificate(path: "/c", password: nil)
        var claims = TokenClaims(tenantID: target.tenantID, appID: target.appID)
        #expect(try SessionIdentity.check(claims, for: target, by: certificate).name.hasPrefix("app "))
        claims.appID = "bbbbbbbb-2222-3333-4444-555555555555"
        #expect(throws: MMError.self) { try SessionIdentity.check(claims, for: target, by: certificate) }
        #expect(throws: MMError.self) {
            try SessionIdentity.check(TokenClaims(appID: target.appID), for: target, by: certificate)
        }
    }
}
