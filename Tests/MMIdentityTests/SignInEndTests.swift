import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("A sign-in that the service has ended", .timeLimit(.minutes(5)))
struct SignInEndTests {
    private let home: TestHome
    private let clock = TestClock()

    init() throws {
        home = try TestHome()
        try home.write(
            "Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"), layout: .indented(4)))
    }

    private func service(_ transport: ScriptedTransport) -> IdentityService {
        .scripted(home, transport, clock: clock)
    }

    private func refusing(_ number: Int) -> ScriptedTransport {
        ScriptedTransport { request, _ in
            if request.url.hasSuffix("/devicecode") { return Contoso.deviceCode() }
            return request.form["grant_type"] == "refresh_token"
                ? Contoso.refusal("invalid_grant", code: number) : Contoso.refusal("authorization_pending")
        }
    }

    private let silently = TokenOptions(interaction: .never)

    @Test("is over for all services and processes at once, and costs one renewal")
    func everywhere() async throws {
        let transport = refusing(50_173)
        let service = service(transport)
        let connection = try Contoso.connection()
        let old = try await service.token(for: connection)
        for _ in 0..<3 {
            let error = await #expect(throws: MMError.self) {
                try await service.token(
                    insteadOf: old.secret, at: clock.wall.now, for: connection, resource: .graph,
                    interaction: .never, deadline: .after(.seconds(300)))
            }
            #expect(error?.code == .signInNeeded && error?.details["aadsts"] == 50_173, "\(String(describing: error))")
        }
        // Another process and another service: no old token is returned, and no request is sent.
        let other = self.service(transport)
        for resource in [ServiceResource.graph, .flow] {
            await #expect(throws: MMError.self) {
                try await other.token(
                    for: connection, resource: resource, options: silently, deadline: .after(.seconds(300)))
            }
        }
        #expect(transport.requests.count == 1)
        #expect(await other.holdsAccount(of: connection) == false)
        guard case .unusable(let told) = await other.state(of: connection) else {
            Issue.record("still signed in")
            return
        }
        #expect(told.code == .signInNeeded && told.message.contains("AADSTS50173"))
        // A login starts a sign-in, with the reason.
        guard case .waiting(let prompt) = try await other.beginSignIn(connection) else {
            Issue.record("signed in?")
            return
        }
        #expect(prompt.error(now: clock.wall.now).message.contains("AADSTS50173"))
        #expect(transport.requests.count { $0.form["grant_type"] == "refresh_token" } == 1)
    }

    @Test(
        "of an account that is gone is over, and login begins another one instead of asking for the same again",
        arguments: [50_034, 500_341, 51_004])
    func accountGone(number: Int) async throws {
        let transport = refusing(number)
        let service = service(transport)
        let connection = try Contoso.connection()
        let old = try await service.token(for: connection)
        let error = await #expect(throws: MMError.self) {
            try await service.token(
                insteadOf: old.secret, at: clock.wall.now, for: connection, resource: .graph,
                interaction: .never, deadline: .after(.seconds(300)))
        }
        #expect(error?.code == .signInNeeded, "\(String(describing: error))")
        #expect(error?.hint?.contains("account") == true)
        guard case .waiting = try await service.beginSignIn(connection) else {
            Issue.record("signed in?")
            return
        }
        #expect(transport.requests.count { $0.form["grant_type"] == "refresh_token" } == 1)
    }

    @Test("if one service requires a further step, the others continue, and login begins with that service")
    func oneService() async throws {
        let transport = refusing(50_076)
        let service = service(transport)
        let connection = try Contoso.connection()
        await #expect(throws: MMError.self) {
            try await service.token(
                for: connection, resource: .arm, options: silently, deadline: .after(.seconds(300)))
        }
        #expect(try await service.token(for: connection).secret.reveal() == "FAKE-graph-access-token")
        #expect(await service.end(of: connection)?.counts(for: [.arm]) == true)
        guard case .signedIn = await service.state(of: connection),
            case .unusable(let told) = await service.state(of: connection, resource: .arm)
        else {
            Issue.record("only Azure demands it")
            return
        }
        #expect(told.message.contains("AADSTS50076"))
        guard case .waiting(let prompt) = try await service.beginSignIn(connection) else {
            Issue.record("signed in?")
            return
        }
        #expect(prompt.resource == .arm)
    }

    @Test(
        "of a disabled account, or by a policy, is known until the service accepts it again, and stops no attempt",
        arguments: [50_057, 53_003])
    func refusedForNow(number: Int) async throws {
        let accepts = Noted(false)
        let transport = ScriptedTransport { _, _ in
            accepts.now ? Contoso.tokens(access: "NEW") : Contoso.refusal("invalid_grant", code: number)
        }
        let connection = try Contoso.connection()
        let old = try await service(transport).token(for: connection)
        for _ in 0..<2 {
            let error = await #expect(throws: MMError.self) {
                try await service(transport).token(insteadOf: old, for: connection)
            }
            #expect(error?.code == .forbidden, "\(String(describing: error))")
        }
        #expect(transport.requests.count == 2)
        let other = service(transport)
        let told = await other.refusal(of: connection)
        #expect(told?.code == .forbidden, "\(String(describing: told))")
        #expect(told?.details["aadsts"] == .int(Int64(number)))
        #expect(told?.hint?.contains("mm status Contoso --check") == true)
        // Tokens that haven't expired may still be used, and sessions go on.
        #expect(await other.end(of: connection) == nil)
        guard case .signedIn = await other.state(of: connection) else {
            Issue.record("its files hold a sign-in")
            return
        }
        accepts.change { $0 = true }
        #expect(try await other.token(insteadOf: old, for: connection).secret.reveal() == "NEW")
        #expect(await service(transport).refusal(of: connection) == nil)
    }

    @Test("for good counts more than an earlier refusal by a policy")
    func overAfterRefusal() async throws {
        let number = Noted(53_003)
        let transport = ScriptedTransport { _, _ in Contoso.refusal("invalid_grant", code: number.now) }
        let service = service(transport)
        let connection = try Contoso.connection()
        let old = try await service.token(for: connection)
        for code in [53_003, 50_173] {
            number.change { $0 = code }
            await #expect(throws: MMError.self) {
                try await service.token(
                    insteadOf: old.secret, at: clock.wall.now, for: connection, resource: .graph,
                    interaction: .never, deadline: .after(.seconds(300)))
            }
        }
        #expect(await service.end(of: connection)?.number == 50_173)
        #expect(await service.refusal(of: connection) == nil)
    }

    @Test("the next sign-in works again, and discards tokens of the old one")
    func mended() async throws {
        let approved = Noted(false)
        let transport = ScriptedTransport { request, _ in
            if request.url.hasSuffix("/devicecode") { return Contoso.deviceCode() }
            if request.form["grant_type"] == "refresh_token" {
                return request.form["refresh_token"] == "ROTATED"
                    ? Contoso.tokens(access: "FLOW") : Contoso.refusal("invalid_grant", code: 50_173)
            }
            return approved.now ? Contoso.tokens(access: "NEW") : Contoso.refusal("authorization_pending")
        }
        let service = service(transport)
        let connection = try Contoso.connection()
        let old = try await service.token(for: connection)
        await #expect(throws: MMError.self) {
            try await service.token(insteadOf: old, for: connection)
        }
        approved.change { $0 = true }
        clock.advance(6)
        #expect(try await service.token(for: connection).secret.reveal() == "NEW")
        #expect(await service.end(of: connection) == nil)
        let text = String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
        #expect(!text.contains("FAKE-graph-access-token"))
    }

    @Test("many refused requests share one renewal, even if the times in their challenges differ")
    func shared() async throws {
        let transport = ScriptedTransport { _, _ in Contoso.tokens(access: "NEW") }
        let service = service(transport)
        let connection = try Contoso.connection()
        let old = try await service.token(for: connection)
        let sent = clock.wall.now
        clock.advance(2)
        for moment in 0..<4 {
            let claims = #"{"access_token":{"nbf":{"essential":true,"value":"\#(1_767_225_600 + moment)"}}}"#
            let new = try await service.token(
                insteadOf: old.secret, at: sent, for: connection, resource: .graph, claims: claims,
                deadline: .after(.seconds(300)))
            #expect(new.secret.reveal() == "NEW")
            clock.advance(1)
        }
        #expect(transport.requests.count == 1)
    }
}
