import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("A sign-in service that asks to slow down", .timeLimit(.minutes(5)))
struct ThrottledSignInTests {
    let home: TestHome
    let clock = TestClock()

    init() throws {
        home = try TestHome()
        try home.write(
            "Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"), layout: .indented(4)))
        // The fixtures' tokens end at 1767230421.
        clock.advance(10_000)
    }

    private func service(_ transport: ScriptedTransport) -> IdentityService {
        .scripted(home, transport, clock: clock)
    }

    private static func busy(_ seconds: String) -> HTTPResponse {
        Contoso.refusal("temporarily_unavailable", code: 90055, status: 429, headers: ["Retry-After": seconds])
    }

    @Test(
        "isn't called by any process for any connection of the app before the time it named, which the error shows")
    func remembered() async throws {
        let end = Timestamp(seconds: clock.now + 120)
        let busy = ScriptedTransport { _, _ in Self.busy("120") }
        let first = await #expect(throws: MMError.self) {
            try await service(busy).token(for: try Contoso.connection())
        }
        #expect(first?.code == .throttled && first?.retry == .after(.seconds(120)))
        let message = first?.message ?? ""
        #expect(message.contains(end.iso8601), "\(message)")
        #expect(busy.requests.count == 1, "two minutes are no wait for a call")

        let free = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? Contoso.deviceCode() : Contoso.tokens(access: "NEW")
        }
        for name in ["Contoso", "Other"] {
            let held = await #expect(throws: MMError.self) {
                try await service(free).token(for: try Contoso.connection(name))
            }
            #expect(held?.code == .throttled)
            #expect(held?.details["until"]?.string?.hasPrefix(String(end.iso8601.prefix(16))) == true)
        }
        #expect(free.requests.isEmpty)
        clock.advance(122)
        #expect(try await service(free).token(for: try Contoso.connection()).secret.reveal() == "NEW")
    }

    @Test("another app's requests aren't delayed")
    func ofTheApp() async throws {
        let busy = ScriptedTransport { _, _ in Self.busy("120") }
        await #expect(throws: MMError.self) { try await service(busy).token(for: try Contoso.connection()) }
        let free = ScriptedTransport { _, _ in Contoso.deviceCode() }
        let other = try Contoso.connection("Other", more: ["appId": "11111111-2222-4333-8444-555555555555"])
        let error = await #expect(throws: MMError.self) { try await service(free).token(for: other) }
        #expect(error?.code == .signInNeeded && free.requests.count == 1)
    }

    @Test("gets no burst of requests if it names no useful wait", arguments: ["0", "0.2", "-3", "soon"])
    func noBurst(wait: String) async throws {
        let moment = Moment(Timestamp(seconds: clock.now))
        let sent = Mutex<[Timestamp]>([])
        let transport = ScriptedTransport { _, _ in
            sent.withLock { $0.append(moment.now) }
            return Self.busy(wait)
        }
        let connection = try Contoso.connection()
        for _ in 0..<3 {
            let service = IdentityService(
                paths: home.paths, transport: transport, clock: WallClock { moment.now }
            ) { moment.set(moment.now + $0) }
            await #expect(throws: MMError.self) { try await service.token(for: connection) }
        }
        let times = sent.withLock { $0 }
        #expect(times.count > 3)
        for (one, next) in zip(times, times.dropFirst()) { #expect(next - one >= .milliseconds(500)) }
    }

    @Test("keeps a pending sign-in, which is polled again after the time it named")
    func poll() async throws {
        let cursor = Cursor(
            polls: [Self.busy("40"), Contoso.tokens(access: "APPROVED")], codes: [Contoso.deviceCode()])
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? cursor.nextCode() : cursor.nextPoll()
        }
        let connection = try Contoso.connection("New")
        let service = service(transport)
        _ = try await service.beginSignIn(connection)
        clock.advance(5)
        _ = try await service.beginSignIn(connection)
        #expect(transport.requests.count == 2)
        clock.advance(10)
        guard case .waiting(let prompt) = try await self.service(transport).beginSignIn(connection) else {
            Issue.record("the code must stay")
            return
        }
        #expect(prompt.userCode == "CTSO7K9QX" && transport.requests.count == 2)
        clock.advance(40)
        guard case .signedIn = try await service.beginSignIn(connection) else {
            Issue.record("not signed in")
            return
        }
    }
}
