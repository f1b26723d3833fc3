import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMEgress

/// The tokens of the test's sign-in service.
private enum Known {
    static let deviceCode = "DAQABAAEAAAD-device_code.0123456789abcdefghijklmnopqrstuvwxyz"
    static let refreshToken = "1.AXoAreal-refresh_token.0123456789abcdefghijklmnopqrstuvwxyz"
    static let client = "12128f48-ec9e-42f0-b203-ea49fb6af367"
    static let login = "https://login.microsoftonline.com/organizations/oauth2/v2.0"
}

/// The sign-in service: it answers the first poll with "pending", then with tokens, later renewals with the refresh
/// token.
private final class SignInService: Sendable {
    let access: String
    let identity: String
    let polls = Mutex(0)
    let lifetime: Int64
    let codeLifetime: String
    /// Its answer to renewals, and the one with which it refuses tokens, after the sign-in has ended.
    let end = Mutex<JSONValue?>(nil)
    let renewals = Mutex(0)

    init(
        expiry: Int64 = 4_000_000_000, identity: String = TestToken.identity(), lifetime: Int64 = 3_600,
        codeLifetime: String = "900"
    ) {
        access = TestToken.access(audience: "https://graph.microsoft.com", expiry: expiry)
        self.identity = identity
        self.lifetime = lifetime
        self.codeLifetime = codeLifetime
    }

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let form = FormFields(reading: request.body)
        if request.path.hasSuffix("/devicecode") {
            return json([
                "device_code": .string(Known.deviceCode), "user_code": "ABC123",
                "verification_uri": "https://microsoft.com/devicelogin",
                "expires_in": .string(codeLifetime), "interval": 1, "message": "Enter ABC123",
            ])
        }
        let end = end.withLock { $0 }
        guard request.path.hasSuffix("/token") else {
            if end != nil { return json(["error": ["code": "InvalidAuthenticationToken"]], 401) }
            return json(["value": 1, "authorization": .string(request.headers["authorization"] ?? "")])
        }
        if form?["device_code"] == Known.deviceCode {
            let poll = polls.withLock { polls in
                polls += 1
                return polls
            }
            return poll == 1
                ? json(["error": "authorization_pending", "error_description": "wait"], 400)
                : tokens(access, lifetime: lifetime)
        }
        if form?["refresh_token"] == Known.refreshToken {
            renewals.withLock { $0 += 1 }
            if let end { return json(end, 400) }
            return tokens(
                TestToken.access(audience: "https://graph.microsoft.com", user: "renewed@contoso.com"), lifetime: 3_600)
        }
        return json(["error": "invalid_grant", "error_description": "AADSTS70000"], 400)
    }

    private func tokens(_ access: String, lifetime: Int64) -> HTTPServerResponse {
        json([
            "token_type": "Bearer", "scope": "https://graph.microsoft.com/User.Read", "expires_in": .int(lifetime),
            "ext_expires_in": .int(lifetime), "refresh_in": 1_800, "access_token": .string(access),
            "refresh_token": .string(Known.refreshToken), "id_token": .string(identity),
            "client_info": "eyJ1aWQiOiJ4In0",
        ])
    }

    private func json(_ value: JSONValue, _ status: Int = 200) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, headers: ["Content-Type": "application/json; charset=utf-8"],
            body: .bytes(JSONWriter.bytes(value)))
    }
}

/// A module that signs in by itself through its session's proxy, with a sign-in service of the test.
@Suite(
    "Sign-in over the wire", .timeLimit(.minutes(5)),
    .enabled(if: Curl.path != nil, "needs curl (apt-get install curl)"))
struct SessionSignInTests {
    private func post(_ wire: TestWire, _ path: String, _ form: [String]) async throws -> (JSONObject, String) {
        let answer = try await Curl.run(wire, form.flatMap { ["--data-urlencode", $0] } + [Known.login + path])
        let object = try #require(try JSONParser.parse(answer.text).object, "\(answer)")
        return (object, answer.status)
    }

    private func signIn(_ wire: TestWire) async throws -> (object: JSONObject, status: String) {
        let (code, _) = try await post(
            wire, "/devicecode",
            ["client_id=\(Known.client)", "scope=https://graph.microsoft.com/.default offline_access"])
        let given = try #require(code["device_code"]?.string)
        #expect(given != Known.deviceCode && code["user_code"]?.string == "ABC123")
        let poll = [
            "grant_type=urn:ietf:params:oauth:grant-type:device_code", "client_id=\(Known.client)",
            "device_code=\(given)",
        ]
        let (pending, status) = try await post(wire, "/token", poll)
        #expect(pending["error"]?.string == "authorization_pending" && status == "400")
        let (object, last) = try await post(wire, "/token", poll)
        return (object, last)
    }

    @Test("a lifetime beyond all time doesn't matter")
    func endless() async throws {
        let service = SignInService(lifetime: .max, codeLifetime: "\(Int64.max)")
        let upstream = try Upstream { service.answer($0) }
        let wire = try await TestWire(upstream: upstream.port)
        let (_, status) = try await signIn(wire)
        #expect(status == "200")
    }

    @Test("a device-code sign-in works completely, and the session never sees a real token")
    func deviceCode() async throws {
        let service = SignInService()
        let upstream = try Upstream { service.answer($0) }
        let wire = try await TestWire(upstream: upstream.port)
        let (tokens, status) = try await signIn(wire)
        #expect(status == "200" && tokens["refresh_in"] == nil && (tokens["expires_in"]?.int ?? 0) > 300 * 86_400)
        let text = JSONWriter.string(.object(tokens))
        for secret in [service.access, service.identity].map({ String($0.split(separator: ".")[2]) }) + [
            Known.refreshToken
        ] {
            #expect(!text.contains(secret))
        }
        let access = try #require(tokens["access_token"]?.string)
        let graph = try await Curl.run(
            wire, ["-H", "Authorization: Bearer \(access)", "https://graph.microsoft.com/v1.0/me"])
        #expect(graph.status == "200")
        #expect(upstream.received.last?.headers["authorization"] == "Bearer \(service.access)")
        let elsewhere = try await Curl.run(
            wire, ["-H", "Authorization: Bearer \(access)", "https://management.azure.com/"])
        #expect(elsewhere.status == "403")
        let refresh = try #require(tokens["refresh_token"]?.string)
        let (renewed, _) = try await post(
            wire, "/token",
            [
                "grant_type=refresh_token", "client_id=\(Known.client)", "refresh_token=\(refresh)",
                "scope=https://graph.microsoft.com/.default",
            ])
        #expect(renewed["access_token"] != nil)
        #expect(FormFields(reading: try #require(upstream.received.last).body)?["refresh_token"] == Known.refreshToken)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("the steps of a sign-in are reported: the code, waiting, and the account")
    func events() async throws {
        let service = SignInService()
        let upstream = try Upstream { service.answer($0) }
        let wire = try await TestWire(upstream: upstream.port) { $0.clock = WallClock { Timestamp(seconds: 1_000) } }
        _ = try await signIn(wire)
        let steps = wire.happened.compactMap { if case .signIn(let step) = $0 { step } else { nil } }
        guard steps.count == 4, case .code(let code) = steps[0], case .pending(trouble: nil) = steps[1],
            case .refreshToken(let grant, _) = steps[2], case .signedIn(let identity) = steps[3]
        else {
            Issue.record("\(steps)")
            return
        }
        #expect(
            code
                == SignInCode(
                    userCode: "ABC123", address: "https://microsoft.com/devicelogin",
                    expiresAt: Timestamp(seconds: 1_900), clientID: Known.client))
        #expect(identity.tenantID == TestToken.tenant && identity.objectID == TestToken.object)
        #expect(identity.username == "admin@contoso.com" && identity.clientID == Known.client)
        #expect(grant.refreshToken.reveal() == Known.refreshToken && grant.endpoint == Known.login + "/token")
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a code survives trouble of the service: its module is told to wait, and the trouble is reported",
        arguments: [429, 500, 503])
    func trouble(status: Int) async throws {
        let service = SignInService()
        let isAway = Mutex(true)
        let upstream = try Upstream { request in
            guard request.path.hasSuffix("/token"), isAway.withLock({ $0 }) else { return service.answer(request) }
            isAway.withLock { $0 = false }
            return HTTPServerResponse(
                status: status, headers: ["Content-Type": "text/html"], body: .bytes(Array("<html></html>".utf8)))
        }
        let wire = try await TestWire(upstream: upstream.port)
        let (code, _) = try await post(
            wire, "/devicecode", ["client_id=\(Known.client)", "scope=https://graph.microsoft.com/.default"])
        let given = try #require(code["device_code"]?.string)
        var answers: [String] = []
        repeat {
            let (answer, _) = try await post(
                wire, "/token",
                [
                    "grant_type=urn:ietf:params:oauth:grant-type:device_code", "client_id=\(Known.client)",
                    "device_code=\(given)",
                ])
            answers.append(answer["error"]?.string ?? "tokens")
        } while answers.last == "authorization_pending"
        #expect(answers.last == "tokens", "\(answers)")
        let waits = wire.happened.compactMap {
            if case .signIn(.pending(let trouble)) = $0 { trouble ?? "" } else { nil }
        }
        #expect(waits.contains { $0.contains("\(status)") } && waits.last == "", "\(waits)")
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a wrong account's tokens are never passed on")
    func wrongAccount() async throws {
        let service = SignInService(
            identity: TestToken.identity(object: "00000000-0000-0000-0000-000000000009", user: "eve@contoso.com"))
        let upstream = try Upstream { service.answer($0) }
        let wire = try await TestWire(upstream: upstream.port) { configuration in
            configuration.identityCheck = { identity in
                identity.objectID == TestToken.object
                    ? nil : RequestRefusal(code: "wrong_account", message: "Sign in as admin@contoso.com.")
            }
        }
        let (answer, status) = try await signIn(wire)
        #expect(status == "400" && answer["error"]?.string == "access_denied" && answer["access_token"] == nil)
        #expect(answer["error_description"]?.string?.contains("Sign in as admin@contoso.com.") == true, "\(answer)")
        #expect(!wire.happened.contains { if case .signIn(.refreshToken) = $0 { true } else { false } })
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a token that expires soon is renewed before it is sent, once for all requests")
    func renewal() async throws {
        let now = Timestamp.now.seconds
        let service = SignInService(expiry: now + 60, lifetime: 60)
        let upstream = try Upstream { service.answer($0) }
        let wire = try await TestWire(upstream: upstream.port)
        let (tokens, _) = try await signIn(wire)
        let access = try #require(tokens["access_token"]?.string)
        service.polls.withLock { $0 = 0 }
        _ = try await Curl.run(
            wire,
            ["-Z", "--parallel-immediate", "-H", "Authorization: Bearer \(access)"]
                + (0..<6).map { "https://graph.microsoft.com/v1.0/me/\($0)" })
        let sent = upstream.received.filter { $0.headers["x-meant-for"] == "graph.microsoft.com" }
        let renewals = upstream.received.filter { $0.path.hasSuffix("/token") }.dropFirst(2)
        #expect(renewals.count == 1)
        #expect(sent.count == 6 && sent.allSatisfy { $0.headers["authorization"] != "Bearer \(service.access)" })
        await wire.session.close()
        await upstream.stop()
    }

    private func overs(_ wire: TestWire) -> [String] {
        wire.happened.compactMap {
            if case .signIn(.over(let error, isModulesOwn: true)) = $0 { error.message } else { nil }
        }
    }

    private func renew(_ wire: TestWire, _ refresh: String, _ scope: String) async throws -> JSONObject {
        try await post(
            wire, "/token",
            [
                "grant_type=refresh_token", "client_id=\(Known.client)", "refresh_token=\(refresh)",
                "scope=\(scope) offline_access",
            ]
        ).0
    }

    @Test(
        "a sign-in that has ended costs one renewal, whether the proxy or the module notices it first",
        arguments: [true, false])
    func renewedOnce(isWireFirst: Bool) async throws {
        let service = SignInService()
        let upstream = try Upstream { service.answer($0) }
        let wire = try await TestWire(upstream: upstream.port)
        let (tokens, _) = try await signIn(wire)
        let (access, refresh) = (tokens["access_token"]?.string ?? "", tokens["refresh_token"]?.string ?? "")
        service.end.withLock {
            $0 = ["error": "invalid_grant", "error_description": "AADSTS50173: The grant was revoked."]
        }
        let read = { @Sendable in
            try await Curl.run(
                wire, ["-H", "Authorization: Bearer \(access)", "https://graph.microsoft.com/v1.0/me"]
            ).status
        }
        if isWireFirst { #expect(try await read() == "401") }
        for _ in 0..<2 {
            let answer = try await renew(wire, refresh, "https://graph.microsoft.com/.default")
            #expect(
                answer["error"] == "invalid_grant" && answer["error_description"]?.string?.contains("50173") == true)
        }
        #expect(try await read() == "401")
        #expect(service.renewals.withLock { $0 } == 1)
        #expect(!overs(wire).isEmpty && overs(wire).allSatisfy { $0.contains("AADSTS50173") })
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a refused renewal says what helps: another sign-in, a change by somebody else, or time",
        arguments: [
            ("invalid_grant", 50_173, .signInNeeded), ("invalid_grant", 500_341, .signInNeeded),
            ("interaction_required", 50_076, .signInNeeded), ("invalid_grant", 65_001, .signInNeeded),
            ("invalid_grant", 50_057, .forbidden), ("interaction_required", 53_003, .forbidden),
            ("unauthorized_client", 7_000_112, .forbidden), ("invalid_grant", 50_196, .unavailable),
            ("temporarily_unavailable", 90_033, .unavailable),
        ] as [(String, Int, MMErrorCode)])
    func whatHelps(error: String, number: Int, expected: MMErrorCode) {
        let body: JSONValue = ["error": .string(error), "error_description": .string("AADSTS\(number): Refused.")]
        let answer = HTTPResponse(status: 400, body: JSONWriter.bytes(body))
        let told = TokenRenewal.refusal(EntraError(answer, now: Timestamp(seconds: 0)))
        #expect(told.code == expected, "\(told)")
        #expect(told.message.contains("AADSTS\(number)") && told.hint?.isEmpty == false)
        #expect((told.hint?.contains("new sign-in") == true) == (expected == .signInNeeded))
    }

    @Test(
        "a further step that a policy requires for one service is left to the module, and doesn't end the sign-in",
        arguments: [
            ("https://graph.microsoft.com/.default", "interaction_required", 50_076, true),
            ("https://vault.azure.net/.default", "interaction_required", 50_076, false),
            ("https://vault.azure.net/.default", "invalid_grant", 50_173, true),
            ("https://vault.azure.net/.default", "invalid_grant", 65_001, false),
        ])
    func furtherService(scope: String, error: String, number: Int, isOver: Bool) async throws {
        let service = SignInService()
        let upstream = try Upstream { service.answer($0) }
        let wire = try await TestWire(upstream: upstream.port)
        let (tokens, _) = try await signIn(wire)
        let refresh = tokens["refresh_token"]?.string ?? ""
        service.end.withLock {
            $0 = ["error": .string(error), "error_description": .string("AADSTS\(number): Refused.")]
        }
        let answer = try await renew(wire, refresh, scope)
        #expect(answer["error"]?.string == error)
        #expect(overs(wire).isEmpty == !isOver)
        // The other services continue if the sign-in does.
        service.end.withLock { $0 = nil }
        let other = try await renew(wire, refresh, "https://management.azure.com/.default")
        #expect((other["access_token"] != nil) == (error != "invalid_grant" || number == 65_001))
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a real token, a repeated token, and an invalid form aren't sent",
        arguments: [
            (["grant_type=refresh_token", "refresh_token=\(Known.refreshToken)"], "invalid_grant"),
            (["client_id=\(Known.client)", "device_code=\(Known.deviceCode)"], "invalid_grant"),
            (
                [
                    "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer",
                    "client_id=\(Known.client)", "assertion=eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.AAAA",
                ], "invalid_grant"
            ),
            (["refresh_token=a", "Refresh_Token=b"], "access_denied"),
        ])
    func foreign(_ form: [String], _ error: String) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let (answer, status) = try await post(wire, "/token", form)
        #expect(["400", "403"].contains(status) && answer["error"]?.string == error)
        #expect(upstream.received.isEmpty)
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "an answer whose tokens can't be identified isn't passed on",
        arguments: ["text", "nested", "address", "page"])
    func unreadable(_ kind: String) async throws {
        let upstream = try Upstream { _ in
            switch kind {
            case "text": .text("access_token=\(Known.refreshToken)")
            case "nested": .text("{\"result\":[{\"access_token\":\"\(Known.refreshToken)\"}]}")
            case "address":
                HTTPServerResponse(
                    status: 302, headers: ["Location": "https://x/#access_token=\(Known.refreshToken)"],
                    body: .bytes([]))
            default: .text("<input name=\"id_token\" value=\"\(Known.refreshToken)\">")
            }
        }
        let wire = try await TestWire(upstream: upstream.port)
        let (answer, status) = try await post(wire, "/token", ["grant_type=client_credentials", "client_id=x"])
        #expect(status == "502" && answer["error"]?.string == "access_denied")
        await wire.session.close()
        await upstream.stop()
    }
}
