import MMCore
import MMHTTP
import OAuthFixtures
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Groups beyond a token's limit", .timeLimit(.minutes(5)))
struct GroupMembershipsTests {
    private let fixture: OAuthFixture
    private let stub: SignInServiceStub
    private let now = Moment()

    init() throws {
        fixture = try OAuthFixture()
        stub = SignInServiceStub(
            metadata: OAuthFixture.metadata(of: OAuthFixture.issuer), keys: fixture.keySet("first"))
    }

    /// A time of day that a test sets.
    private final class Moment: Sendable {
        private let held = Mutex(Timestamp(seconds: 1_790_000_000))
        var value: Timestamp { held.withLock { $0 } }
        func advance(_ time: Duration) { held.withLock { $0 = $0 + time } }
    }

    /// Counts the requests, and answers all alike.
    private final class Counter: Sendable {
        let asked = Mutex(0)
        let answer: Result<Set<String>, CallerRefusal>

        init(_ answer: Result<Set<String>, CallerRefusal>) {
            self.answer = answer
        }

        func ask(_ groups: Set<String>) throws(CallerRefusal) -> Set<String> {
            asked.withLock { $0 += 1 }
            return try answer.get()
        }

        var count: Int { asked.withLock { $0 } }
    }

    private func verifier(_ counter: Counter) -> TokenVerifier {
        let clock = WallClock { [now] in now.value }
        var policy = TokenPolicy(audiences: [OAuthFixture.audience])
        policy.groups = ["g2", "g9"]
        let memberships = GroupMemberships(clock: clock) { (token, groups) async throws(CallerRefusal) in
            #expect(groups == ["g2", "g9"] && token.text("sub") == "alice")
            return try counter.ask(groups)
        }
        return TokenVerifier(
            policy, IssuerDirectory(issuer: OAuthFixture.issuer, transport: stub, clock: clock),
            memberships: memberships, clock: clock)
    }

    private func verdict(_ name: String, _ verifier: TokenVerifier) async throws -> Result<TokenHolder, CallerRefusal> {
        let token = try fixture.token(name)
        return await Result { () async throws(CallerRefusal) in try await verifier.verify(token) }
    }

    @Test("a member is admitted for some minutes without a new request")
    func member() async throws {
        let counter = Counter(.success(["g9"]))
        let verifier = verifier(counter)
        for name in ["too many groups", "has groups"] { _ = try await verdict(name, verifier).get() }
        #expect(counter.count == 1)
        guard case .admitted = verifier.look(at: try fixture.token("too many groups")) else {
            Issue.record("The answer was not kept.")
            return
        }
        now.advance(.seconds(301))
        guard case .open = verifier.look(at: try fixture.token("too many groups")) else {
            Issue.record("The answer was kept too long.")
            return
        }
        _ = try await verdict("too many groups", verifier).get()
        #expect(counter.count == 2)
    }

    @Test("a caller in none of the groups is refused, and without a request if the token lists its groups")
    func stranger() async throws {
        let counter = Counter(.success([]))
        let verifier = verifier(counter)
        for name in ["too many groups", "other group", "rs256"] {
            guard case .failure(let refusal) = try await verdict(name, verifier) else {
                Issue.record("\(name) was admitted")
                continue
            }
            #expect(refusal.kind == .forbidden && refusal.message.contains("none of the groups"))
        }
        #expect(counter.count == 1)
    }

    @Test("a question that fails admits nobody, and isn't asked again with each request")
    func failure() async throws {
        let counter = Counter(.failure(CallerRefusal(.unavailable, "away")))
        let verifier = verifier(counter)
        for _ in 0..<3 {
            guard case .failure(let refusal) = try await verdict("too many groups", verifier) else {
                Issue.record("Somebody was admitted.")
                return
            }
            #expect(refusal.kind == .unavailable)
        }
        #expect(counter.count == 1)
        now.advance(.seconds(11))
        _ = try await verdict("too many groups", verifier)
        #expect(counter.count == 2)
    }

    @Test("simultaneous calls share one request")
    func together() async throws {
        let counter = Counter(.success(["g2"]))
        let verifier = verifier(counter)
        _ = try await verdict("group", verifier).get()
        let token = try fixture.token("has groups")
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let result = await Result { () async throws(CallerRefusal) in try await verifier.verify(token) }
                    return if case .success = result { true } else { false }
                }
            }
            for await isAdmitted in group { #expect(isAdmitted) }
        }
        #expect(counter.count == 1)
    }
}
