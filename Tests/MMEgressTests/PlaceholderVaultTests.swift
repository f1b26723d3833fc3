import MMCore
import Testing

@testable import MMEgress

@Suite("Placeholders", .timeLimit(.minutes(5)))
struct PlaceholderVaultTests {
    @Test("a placeholder has the token's header and claims, a distant expiry, and a worthless signature")
    func likeness() throws {
        let vault = PlaceholderVault(clock: WallClock { Timestamp(seconds: 1_800_000_000) })
        let real = TestToken.access(audience: "https://graph.microsoft.com", expiry: 1_800_003_600)
        let placeholder = try vault.placeholder(for: Secret(real), account: "admin@contoso.com")
        let pieces = placeholder.split(separator: ".").map(String.init)
        let own = real.split(separator: ".").map(String.init)
        #expect(pieces.count == 3 && pieces[0] == own[0] && pieces[2] != own[2])
        let claims = try #require(TokenText(placeholder).parts?.claims)
        #expect(claims["tid"]?.string == TestToken.tenant && claims["scp"]?.string == "User.Read.All")
        #expect((claims["exp"]?.int ?? 0) > 1_800_000_000 + 300 * 86_400)
        #expect(!placeholder.contains(own[2]))
        guard case .fed(let need)? = vault.worth(of: placeholder) else {
            Issue.record("the placeholder is unknown")
            return
        }
        #expect(need == TokenNeed(audience: "https://graph.microsoft.com", account: "admin@contoso.com"))
        #expect(vault.worth(of: real) == nil)
    }

    @Test("two placeholders of one token differ, and those of another vault are unknown")
    func apart() throws {
        let (one, other) = (PlaceholderVault(), PlaceholderVault())
        let real = Secret(TestToken.access(audience: "https://graph.microsoft.com"))
        let first = try one.placeholder(for: real, account: "a")
        #expect(try one.placeholder(for: real, account: "a") != first)
        #expect(other.worth(of: first) == nil)
    }

    @Test(
        "the placeholder of an opaque token has its shape, but other characters",
        arguments: ["0.AXoAtoken-that_is.opaque~and.quite.long.0123456789abcdef", "short"])
    func opaque(_ real: String) throws {
        let vault = PlaceholderVault()
        let placeholder = vault.placeholder(forSignIn: Secret(real))
        #expect(placeholder != real && placeholder.utf8.count >= real.utf8.count)
        #expect(placeholder.utf8.count >= 32)
        for (mine, its) in zip(real, placeholder) where !mine.isLetter && !mine.isNumber { #expect(mine == its) }
        guard case .signInOnly(let secret)? = vault.worth(of: placeholder) else {
            Issue.record("the placeholder is unknown")
            return
        }
        #expect(secret.reveal() == real)
    }

    @Test("placeholders are found within other text")
    func within() throws {
        let vault = PlaceholderVault()
        let placeholder = try vault.placeholder(
            for: Secret(TestToken.access(audience: "https://graph.microsoft.com")), account: "a")
        #expect(vault.placeholders(in: "/collect?t=\(placeholder)&x=1".utf8) == [placeholder])
        #expect(vault.placeholders(in: "token=\(placeholder.dropLast())".utf8) == [])
    }

    @Test("a vault keeps only a limited number of the newest placeholders")
    func bounded() throws {
        let vault = PlaceholderVault(limit: 40)
        var all: [String] = []
        for number in 0..<100 { all.append(vault.placeholder(forSignIn: Secret("refresh-\(number)-token"))) }
        #expect(vault.worth(of: all[59]) == nil)
        #expect(vault.worth(of: all[99]) != nil && vault.worth(of: all[60]) != nil)
    }
}
