import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Background renewal", .timeLimit(.minutes(5)))
struct RenewalTests {
    let home: TestHome
    let clock = TestClock()

    init() throws {
        home = try TestHome()
        try home.write(
            "Contoso.json", JSONWriter.bytes(try Fixture.json("graph/msal-cache-user.json"), layout: .indented(4)))
        // The fixtures' tokens expire at 1767230421: two minutes are left.
        clock.advance(1_767_230_421 - clock.now - 120)
    }

    private func reveal(_ service: IdentityService) async throws -> String {
        try await service.token(for: try Contoso.connection()).secret.reveal()
    }

    @Test("a valid token is used at once even if the sign-in service is silent, and one process renews it")
    func silent() async throws {
        let gate = Gate()
        let transport = NumberingTransport(gate: gate, life: 3600)
        let services = (0..<3).map { _ in
            IdentityService(paths: home.paths, transport: transport, clock: clock.wall)
        }
        #expect(try await reveal(services[0]) == "FAKE-graph-access-token")
        await gate.untilReached()
        for service in services { #expect(try await reveal(service) == "FAKE-graph-access-token") }
        for service in services.dropFirst() { await service.finishRenewals(within: .seconds(120)) }
        #expect(transport.count == 1)
        await gate.open()
        await services[0].finishRenewals(within: .seconds(120))
        for service in services { #expect(try await reveal(service) == "token-1") }
        #expect(transport.count == 1)
    }

    @Test("a caller's short deadline doesn't interrupt the renewal")
    func shortDeadline() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { request, _ in
            #expect(request.timeout > .seconds(20))
            return Contoso.tokens(access: "NEW", refresh: "ROTATED")
        }
        let service = IdentityService(paths: home.paths, transport: transport, clock: clock.wall)
        _ = try await service.token(for: try Contoso.connection(), deadline: .after(.seconds(19)))
        await service.finishRenewals(within: .seconds(120))
        #expect(transport.requests.count == 1)
        let text = String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
        #expect(text.contains("ROTATED"))
        await gate.open()
    }

    @Test("after a failure no process retries for half a minute")
    func restsAfterFailure() async throws {
        let transport = ScriptedTransport { _, _ throws(HTTPError) in throw HTTPError(.tls, "expired") }
        for _ in 0..<3 {
            let service = IdentityService.scripted(home, transport, clock: clock)
            #expect(try await reveal(service) == "FAKE-graph-access-token")
            await service.finishRenewals(within: .seconds(120))
        }
        #expect(transport.requests.count == 1)
        clock.advance(32)
        let service = IdentityService.scripted(home, transport, clock: clock)
        #expect(try await reveal(service) == "FAKE-graph-access-token")
        await service.finishRenewals(within: .seconds(120))
        #expect(transport.requests.count == 2)
    }

    @Test("an ended sign-in is reported when the token expires, not before")
    func ended() async throws {
        let transport = ScriptedTransport { request, _ in
            request.url.hasSuffix("/devicecode") ? Contoso.deviceCode() : Contoso.refusal("invalid_grant", code: 50173)
        }
        let service = IdentityService.scripted(home, transport, clock: clock)
        #expect(try await reveal(service) == "FAKE-graph-access-token")
        await service.finishRenewals(within: .seconds(120))
        clock.advance(116)
        let error = await #expect(throws: MMError.self) { try await reveal(service) }
        #expect(error?.code == .signInNeeded)
    }

    @Test("waiting for renewals before a process ends is limited")
    func limit() async throws {
        let gate = Gate()
        let service = IdentityService(
            paths: home.paths, transport: GatedTransport(gate: gate, answer: Contoso.tokens()), clock: clock.wall)
        _ = try await reveal(service)
        await gate.untilReached()
        await service.finishRenewals(within: .milliseconds(50))
        await gate.open()
        await service.finishRenewals(within: .seconds(120))
        let text = String(decoding: try #require(try home.read("Contoso.json")), as: UTF8.self)
        #expect(text.contains("FAKE-access"))
    }
}
