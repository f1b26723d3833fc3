import MMCore
import TestSupport
import Testing

@testable import MMIdentity

@Suite("The newest tokens of callers", .timeLimit(.minutes(5)))
struct CallerAssertionsTests {
    private let clock = TestClock()
    private let callers: CallerAssertions
    private let alice = "\(Contoso.tenant)/\(Contoso.objectID)"

    init() {
        callers = CallerAssertions(clock: clock.wall)
    }

    private func token(_ changes: JSONObject = [:], issued: Int64 = 0, life: Int64 = 3600, number: Int = 1) -> Secret {
        let claims: JSONObject = [
            "idtyp": "user", "scp": "access", "oid": .string(Contoso.objectID), "iat": .int(clock.now + issued),
            "exp": .int(clock.now + issued + life), "iss": "https://issuer.example", "sub": "alice",
        ]
        return Secret(Contoso.accessToken(claims.with(changes), number: number))
    }

    @Test("the token issued last counts, even if it expires first, and in any order")
    func newest() throws {
        let (old, new) = (token(life: 5400), token(issued: 60, life: 3600, number: 2))
        for order in [[old, new], [new, old]] {
            let callers = CallerAssertions(clock: clock.wall)
            for one in order { callers.note(one, of: alice) }
            #expect(try callers.token(of: alice, for: "Team") == new)
        }
    }

    @Test("a token is never used for another caller")
    func owners() throws {
        let other = token(["oid": "66666666-0000-4000-8000-000000000001", "sub": "bob"])
        callers.note(other, of: alice)
        callers.note(token(["tid": "66666666-0000-4000-8000-000000000002"]), of: alice)
        callers.note(Secret("no token"), of: alice)
        #expect(throws: MMError.self) { try callers.token(of: alice, for: "Team") }
        #expect(callers.account(of: alice) == nil)
        callers.note(token(), of: alice)
        callers.note(other, of: alice)
        #expect(try callers.token(of: alice, for: "Team") == token())
        #expect(callers.account(of: alice)?.objectId == Contoso.objectID)
        // A service other than Entra ID.
        callers.note(other, of: "https://issuer.example bob")
        #expect(try callers.token(of: "https://issuer.example bob", for: "Team") == other)
    }

    @Test("a token that states impossible times is older than any other", arguments: [-1e300, -1] as [Double])
    func impossible(issued: Double) throws {
        callers.note(token(number: 2), of: alice)
        callers.note(token(["iat": .double(issued), "exp": .double(1e300)]), of: alice)
        #expect(try callers.token(of: alice, for: "Team") == token(number: 2))
    }

    @Test("an expired token isn't used, and the error says how to get another")
    func ended() throws {
        callers.note(token(), of: alice)
        clock.advance(3600 + 61)
        let error = #expect(throws: MMError.self) { try callers.token(of: alice, for: "Team") }
        #expect(error?.code == .signInNeeded && error?.message.contains("ended at") == true)
        #expect(error?.hint?.contains("Make another call") == true)
        callers.note(token(number: 2), of: alice)
        #expect(try callers.token(of: alice, for: "Team") == token(number: 2))
    }
}
