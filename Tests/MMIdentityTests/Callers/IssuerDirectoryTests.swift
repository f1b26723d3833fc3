import MMCore
import MMHTTP
import OAuthFixtures
import Testing

@testable import MMIdentity

@Suite("The keys of a sign-in service", .timeLimit(.minutes(5)))
struct IssuerDirectoryTests {
    private let fixture: OAuthFixture
    private let stub: SignInServiceStub
    private let verifier: TokenVerifier

    init() throws {
        fixture = try OAuthFixture()
        stub = SignInServiceStub(
            metadata: OAuthFixture.metadata(of: OAuthFixture.issuer), keys: fixture.keySet("first"))
        let clock = Clock()
        self.clock = clock
        verifier = TokenVerifier(
            TokenPolicy(audiences: [OAuthFixture.audience]),
            IssuerDirectory(issuer: OAuthFixture.issuer, transport: stub, clock: clock.wall), clock: clock.wall)
    }

    private final class Clock: Sendable {
        let seconds = Mutex<Int64>(1_800_000_000)
        var wall: WallClock { WallClock { [self] in Timestamp(seconds: seconds.withLock { $0 }) } }
        func advance(_ more: Int64) { seconds.withLock { $0 += more } }
    }
    private let clock: Clock

    private func kind(_ name: String) async throws -> CallerRefusal.Kind? {
        let token = try fixture.token(name)
        let result = await Result { () async throws(CallerRefusal) in try await verifier.verify(token) }
        guard case .failure(let refusal) = result else { return nil }
        return refusal.kind
    }

    @Test("are requested once, however many tokens arrive")
    func once() async throws {
        await withTaskGroup { group in
            for _ in 0..<50 { group.addTask { _ = try? await kind("rs256") } }
        }
        #expect(try await kind("rs256") == nil)
        #expect(stub.askedForKeys == 1)
    }

    @Test("unknown keys are requested at once, then at most every half minute")
    func rotation() async throws {
        #expect(try await kind("rs256") == nil)
        stub.state.withLock { $0.keys = fixture.keySet("rotated") }
        clock.advance(31)
        #expect(try await kind("rotated") == nil)
        // A revoked key admits nobody.
        #expect(try await kind("rs256") == .invalid)
        #expect(stub.askedForKeys == 2)
    }

    @Test("aren't requested because of many invented names, nor of tokens that are refused anyway")
    func flood() async throws {
        #expect(try await kind("rs256") == nil)
        clock.advance(31)
        for _ in 0..<200 { #expect(try await kind("unknown key") == .invalid) }
        #expect(stub.askedForKeys == 2)
        clock.advance(31)
        let foreign = try fixture.token("another audience")
        for _ in 0..<50 { _ = try? await verifier.verify(foreign) }
        #expect(stub.askedForKeys == 2)
    }

    @Test("are used for a day while the service is down")
    func down() async throws {
        #expect(try await kind("rs256") == nil)
        stub.state.withLock { $0.isDown = true }
        clock.advance(23 * 3600)
        #expect(try await kind("rs256") == nil)
        clock.advance(2 * 3600)
        #expect(try await kind("rs256") == .unavailable)
        stub.state.withLock { $0.isDown = false }
        clock.advance(6)
        #expect(try await kind("rs256") == nil)
    }

    @Test("if they were never available, they are requested again after seconds, not with every call")
    func neverHad() async throws {
        stub.state.withLock { $0.isDown = true }
        for _ in 0..<20 { #expect(try await kind("rs256") == .unavailable) }
        #expect(stub.state.withLock { $0.asked.count } == 1)
        stub.state.withLock { $0.isDown = false }
        clock.advance(6)
        #expect(try await kind("rs256") == nil)
    }

    @Test(
        "are found in every form of metadata",
        arguments: [
            "/realm/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/realm",
            "/.well-known/openid-configuration/realm",
        ])
    func places(place: String) async throws {
        stub.state.withLock { $0.place = "https://issuer.example" + place }
        #expect(try await kind("rs256") == nil)
    }

    @Test("are not taken from metadata of another issuer, nor over plain HTTP")
    func foreignMetadata() async throws {
        stub.state.withLock { $0.metadata = OAuthFixture.metadata(of: "https://evil.example") }
        #expect(try await kind("rs256") == .unavailable)
        clock.advance(6)
        stub.state.withLock {
            $0.metadata = OAuthFixture.metadata(of: OAuthFixture.issuer, more: ["jwks_uri": "http://keys.example/jwks"])
        }
        #expect(try await kind("rs256") == .unavailable)
        #expect(stub.askedForKeys == 0)
    }
}
