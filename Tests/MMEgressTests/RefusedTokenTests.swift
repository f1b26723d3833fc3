import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMEgress

/// Tokens of a connection's sign-in, each renewed when it is refused, until the sign-in ends.
private final class RenewedTokens: TokenSource {
    private struct State {
        var number = 1
        var renewals: [String?] = []
    }

    private let state = Mutex(State())
    let isOver: Bool

    init(isOver: Bool = false) { self.isOver = isOver }

    /// The claims of the renewals so far.
    var renewals: [String?] { state.withLock { $0.renewals } }

    func token(for need: TokenNeed) async throws(MMError) -> Secret { state.withLock { Self.token($0.number) } }

    func token(for need: TokenNeed, insteadOf refusal: TokenRefusal) async throws(MMError) -> Secret {
        if isOver { throw MMError(.signInNeeded, "The sign-in has ended (AADSTS50173).") }
        return state.withLock { state in
            guard refusal.token == Self.token(state.number) else { return Self.token(state.number) }
            state.number += 1
            state.renewals.append(refusal.claims)
            return Self.token(state.number)
        }
    }

    static func token(_ number: Int) -> Secret { Secret("real-token-number-\(number)-of-the-connection") }
}

@Suite(
    "Tokens that a service refuses", .timeLimit(.minutes(5)),
    .enabled(if: Curl.path != nil, "needs curl (apt-get install curl)"))
struct RefusedTokenTests {
    private static let claims = #"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#
    private static let challenge =
        "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"\(Base64.text(Array(claims.utf8)))\""

    /// A service that accepts only the second token.
    private func upstream(_ challenge: String?) throws -> Upstream {
        try Upstream { request in
            if request.headers["authorization"]?.hasSuffix("number-2-of-the-connection") == true {
                return HTTPServerResponse(status: 200, headers: [:], body: .bytes(request.body + Array("done".utf8)))
            }
            return HTTPServerResponse(
                status: 401, headers: challenge.map { ["WWW-Authenticate": $0] } ?? [:],
                body: .bytes(Array("refused".utf8)))
        }
    }

    @Test(
        "the request is repeated with a token that has the challenge's claims; the process never sees the refusal"
    )
    func renewed() async throws {
        let upstream = try upstream(Self.challenge)
        let tokens = RenewedTokens()
        let wire = try await TestWire(upstream: upstream.port) { $0.tokens = tokens }
        let bearer = "Authorization: Bearer \(try wire.placeholder())"
        let answer = try await Curl.run(
            wire, ["-H", bearer, "-d", "a=b", "https://graph.microsoft.com/v1.0/me/sendMail"])
        #expect(answer.status == "200" && answer.text == "a=bdone")
        #expect(tokens.renewals == [Self.claims])
        #expect(upstream.received.count == 2)
        #expect(wire.judge.judged.count == 1)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("many refused requests share one renewal")
    func shared() async throws {
        let upstream = try upstream(Self.challenge)
        let tokens = RenewedTokens()
        let wire = try await TestWire(upstream: upstream.port) { $0.tokens = tokens }
        let bearer = "Authorization: Bearer \(try wire.placeholder())"
        _ = try await Curl.run(
            wire,
            ["-Z", "--parallel-immediate", "-H", bearer]
                + (0..<6).map { "https://graph.microsoft.com/v1.0/me/\($0)" })
        #expect(tokens.renewals.count == 1)
        #expect(upstream.received.count { $0.headers["authorization"]?.contains("number-2") == true } == 6)
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a 401 without a challenge is passed on if the request may have been carried out; the next one has the new token"
    )
    func bare() async throws {
        let upstream = try upstream(nil)
        let tokens = RenewedTokens()
        let wire = try await TestWire(upstream: upstream.port) { $0.tokens = tokens }
        let bearer = "Authorization: Bearer \(try wire.placeholder())"
        let answer = try await Curl.run(wire, ["-H", bearer, "-d", "a=b", "https://graph.microsoft.com/v1.0/me"])
        #expect(answer.status == "401" && upstream.received.count == 1)
        #expect(try await Curl.run(wire, ["-H", bearer, "https://graph.microsoft.com/v1.0/me"]).status == "200")
        await wire.session.close()
        await upstream.stop()
    }

    @Test("if the sign-in has ended, the service's own refusal is passed on, and the end is reported")
    func over() async throws {
        let upstream = try upstream(Self.challenge)
        let wire = try await TestWire(upstream: upstream.port) { $0.tokens = RenewedTokens(isOver: true) }
        let bearer = "Authorization: Bearer \(try wire.placeholder())"
        let answer = try await Curl.run(wire, ["-H", bearer, "https://graph.microsoft.com/v1.0/me"])
        #expect(answer.status == "401" && answer.text == "refused")
        #expect(
            wire.happened.contains {
                if case .signIn(.over(let error, isModulesOwn: false)) = $0 {
                    error.message.contains("AADSTS50173")
                } else {
                    false
                }
            })
        await wire.session.close()
        await upstream.stop()
    }
}
