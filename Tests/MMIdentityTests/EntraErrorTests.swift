import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Errors of the sign-in service", .timeLimit(.minutes(5)))
struct EntraErrorTests {
    /// The expected reactions to the recorded answers, as named in the fixture.
    static let expectations: [String: Set<EntraAction>] = [
        "poll": [.poll], "poll_interval_plus_5": [.slowDown], "stop": [.stop],
        "restart_device_flow": [.restartDeviceFlow], "reauth": [.reauth, .reauthInteractive],
        "reauth_with_claims": [.reauthInteractive], "admin_consent": [.adminConsent], "policy_block": [.policyBlock],
        "fix_config": [.fixConfig], "fix_secret": [.fixSecret], "fix_request": [.fixRequest], "wif_fix": [.wifFix],
        "switch_tenant_or_cloud": [.switchTenantOrCloud], "client_bug": [.clientBug], "stop_loop": [.stopLoop],
        "retry": [.retry], "wait_retry_after": [.throttle],
    ]

    static func recorded() throws -> [JSONValue] {
        try #require(try Fixture.json("graph/entra-token-errors.json").array)
    }

    @Test("each recorded error has the expected reaction")
    func actions() throws {
        let all = try Self.recorded()
        #expect(all.count == 33)
        for entry in all {
            let name = entry["name"]?.string ?? "?"
            let error = Self.error(entry)
            let expected = try #require(Self.expectations[entry["expect"]?.string ?? ""], "\(name)")
            #expect(expected.contains(error.action), "\(name): \(error.action)")
            let answer = error.mmError(for: "Signing in to Contoso", connection: "Contoso")
            #expect(answer.message.hasPrefix("Signing in to Contoso failed: "), "\(name)")
            #expect(answer.hint?.isEmpty == false, "\(name)")
            #expect(!answer.message.contains("Trace ID"), "\(name)")
        }
    }

    static func error(_ entry: JSONValue) -> EntraError {
        var headers: HTTPHeaders = [:]
        for (name, value) in entry["headers"]?.object ?? [:] { headers.add(name, value.string ?? "") }
        let body = entry["body"]
        let bytes = body?.string.map { Array($0.utf8) } ?? body.map { JSONWriter.bytes($0) } ?? []
        return EntraError(
            HTTPResponse(status: entry["status"]?.int ?? 0, headers: headers, body: bytes),
            now: Timestamp(seconds: 1_767_225_600))
    }

    @Test(
        "decisions depend on error and suberror; error numbers only refine them",
        arguments: [
            ("invalid_grant", nil, nil, EntraAction.reauth), ("invalid_grant", nil, 999_999, .reauth),
            ("invalid_grant", "message_only", 50076, .policyBlock), ("invalid_grant", nil, 53003, .policyBlock),
            ("invalid_grant", "bad_token", 65001, .reauth), ("interaction_required", nil, nil, .reauthInteractive),
            ("interaction_required", "additional_action", 50158, .reauthInteractive),
            ("interaction_required", "additional_action", nil, .policyBlock),
            ("invalid_grant", "user_password_expired", 50055, .adminFixAccount),
            ("invalid_client", nil, 70016, .fixConfig), ("unauthorized_client", nil, nil, .fixConfig),
            ("something_new", nil, nil, .clientBug), ("something_new", nil, 50057, .adminFixAccount),
            ("authorization_pending", nil, 53003, .poll), ("code_expired", nil, nil, .restartDeviceFlow),
            ("login_required", nil, nil, .reauthInteractive), ("consent_required", nil, nil, .adminConsent),
            // The service names a refresh token that it can't read a malformed request.
            ("invalid_grant", nil, 9_002_313, .reauth), ("invalid_request", nil, 9_002_313, .clientBug),
            // A passing fault ends no sign-in and is no bug of the client, whatever error it comes with.
            ("invalid_grant", nil, 50_033, .retry), ("invalid_request", nil, 90_033, .retry),
            ("invalid_client", nil, 90_055, .throttle), ("invalid_request", nil, 50_196, .stopLoop),
            // A policy's number that isn't known by itself.
            ("interaction_required", nil, 530_099, .policyBlock),
        ] as [(String, String?, Int?, EntraAction)])
    func decisions(error: String, suberror: String?, code: Int?, expected: EntraAction) {
        let answer = EntraError(Contoso.refusal(error, code: code, suberror: suberror), now: Timestamp(seconds: 0))
        #expect(answer.action == expected)
    }

    @Test("an answer that isn't JSON is a fault of the service or of a proxy")
    func notJSON() {
        let page = HTTPResponse(status: 502, body: Array("<html>Bad gateway</html>".utf8))
        #expect(EntraError(page, now: Timestamp(seconds: 0)).action == .retry)
        let odd = HTTPResponse(status: 404, body: Array("nope".utf8))
        let error = EntraError(odd, now: Timestamp(seconds: 0)).mmError(for: "X", connection: "C")
        #expect(error.code == .remoteFailed && error.message.contains("404"))
    }

    @Test(
        "only where a person signs in does the app have to be a public client",
        arguments: [
            (EntraError.Way.deviceCode, true), (.browser, true), (.broker, true), (.app, false), (.onBehalfOf, false),
        ])
    func publicClient(way: EntraError.Way, isPublic: Bool) {
        let error = EntraError(Contoso.refusal("invalid_client", code: 999_999), now: Timestamp(seconds: 0))
        let hint = error.mmError(for: "X", connection: "C", by: way).hint ?? ""
        #expect(hint.contains("public client") == isPublic && hint.contains("appId"), "\(hint)")
    }

    @Test(
        "of a disabled account the hint says how to sign in anew, except where an app signs in",
        arguments: [(EntraError.Way.deviceCode, true), (.browser, true), (.app, false), (.onBehalfOf, false)])
    func anotherAccount(way: EntraError.Way, isPersons: Bool) {
        let error = EntraError(Contoso.refusal("invalid_grant", code: 50_057), now: Timestamp(seconds: 0))
        let hint = error.mmError(for: "X", connection: "C", by: way).hint ?? ""
        #expect(hint.contains("mm login C --renew") == isPersons, "\(hint)")
    }

    @Test("error numbers are also found in the text")
    func numberInText() {
        let response = HTTPResponse.json(
            ["error": "invalid_grant", "error_description": "AADSTS50173: revoked. Trace ID: x"], status: 400)
        let error = EntraError(response, now: Timestamp(seconds: 0))
        #expect(error.codes == [50173] && error.text == "AADSTS50173: revoked.")
    }

    @Test("each line of the table is a number with its step, a title and advice")
    func table() {
        #expect(EntraAdvice.codes.count == EntraAdvice.lines.split(separator: "\n").count)
        for code in EntraAdvice.codes {
            let advice = EntraAdvice.about(code)
            #expect(advice?.advice.isEmpty == false && advice?.title.isEmpty == false)
        }
        #expect(EntraAdvice.about(1) == nil)
    }

    /// Who can do something about an answer of the sign-in service.
    enum Outcome {
        /// A person signs in again.
        case signIn
        /// An administrator, or whoever set up the connection, changes something; the same sign-in then works again.
        case mend
        /// The same request works later.
        case later
    }

    @Test(
        "each answer says who can help: another sign-in, an administrator, or time",
        arguments: [
            // A person's sign-in.
            ("invalid_grant", 50_173, .signIn), ("invalid_grant", 50_132, .signIn), ("invalid_grant", 50_133, .signIn),
            ("invalid_grant", 700_082, .signIn), ("invalid_grant", 70_043, .signIn), ("invalid_grant", 70_000, .signIn),
            ("interaction_required", 50_076, .signIn), ("interaction_required", 50_079, .signIn),
            ("invalid_grant", 50_078, .signIn), ("invalid_grant", 700_020, .signIn), ("invalid_grant", 50_085, .signIn),
            // Another account.
            ("invalid_grant", 50_034, .signIn), ("invalid_grant", 500_341, .signIn), ("invalid_grant", 51_004, .signIn),
            ("invalid_grant", 50_020, .signIn), ("interaction_required", 16_000, .signIn),
            ("invalid_grant", 500_208, .signIn), ("invalid_grant", 90_072, .signIn),
            // The account.
            ("invalid_grant", 50_057, .mend), ("invalid_grant", 500_571, .mend), ("invalid_grant", 50_053, .mend),
            ("invalid_grant", 50_055, .mend), ("invalid_grant", 50_144, .mend), ("invalid_grant", 50_105, .mend),
            ("invalid_grant", 50_014, .mend),
            // Policies.
            ("interaction_required", 53_003, .mend), ("interaction_required", 53_000, .mend),
            ("interaction_required", 530_032, .mend), ("interaction_required", 50_129, .mend),
            ("interaction_required", 500_022, .mend), ("interaction_required", 5_000_225, .mend),
            ("interaction_required", 5_000_224, .mend), ("invalid_grant", 500_213, .mend),
            // Consent.
            ("invalid_grant", 65_001, .mend), ("invalid_grant", 90_094, .mend), ("invalid_grant", 90_099, .mend),
            ("invalid_grant", 90_008, .mend),
            // Tenant, cloud and app.
            ("invalid_request", 90_002, .mend), ("invalid_request", 900_023, .mend), ("invalid_request", 90_038, .mend),
            ("invalid_request", 90_019, .mend), ("invalid_request", 9_001_023, .mend),
            ("unauthorized_client", 700_016, .mend), ("unauthorized_client", 700_011, .mend),
            ("unauthorized_client", 7_000_112, .mend), ("invalid_client", 70_001, .mend),
            ("invalid_resource", 500_011, .mend), ("invalid_resource", 500_014, .mend),
            ("invalid_resource", 650_057, .mend), ("invalid_request", 900_432, .mend),
            // What an app presents.
            ("invalid_client", 7_000_215, .mend), ("invalid_client", 7_000_222, .mend),
            ("invalid_client", 70_002, .mend), ("invalid_client", 700_027, .mend),
            ("invalid_client", 700_030, .mend), ("invalid_request", 50_027, .mend),
            ("invalid_client", 50_027, .mend), ("invalid_request", 900_384, .mend), ("invalid_client", 70_025, .mend),
            ("invalid_client", 700_213, .mend), ("invalid_client", 700_024, .mend), ("invalid_grant", 500_131, .mend),
            ("invalid_grant", 50_013, .mend), ("invalid_grant", 240_002, .mend),
            // Time.
            ("server_error", 50_000, .later), ("temporarily_unavailable", 90_033, .later),
            ("invalid_request", 90_006, .later), ("invalid_request", 90_012, .later), ("invalid_grant", 50_196, .later),
            ("temporarily_unavailable", 90_055, .later),
        ] as [(String, Int, Outcome)])
    func outcomes(error: String, code: Int, outcome: Outcome) {
        let answer = EntraError(Contoso.refusal(error, code: code), now: Timestamp(seconds: 0))
        let told = answer.mmError(for: "Renewing the sign-in of Contoso", connection: "Contoso")
        #expect((answer.action.loss != .nothing) == (outcome == .signIn), "\(answer.action)")
        #expect((told.retry != .never) == (outcome == .later), "\(told.retry)")
        if outcome == .mend { #expect([.forbidden, .invalidInput].contains(told.code), "\(told.code)") }
        #expect(EntraAdvice.about(code) != nil && told.hint?.isEmpty == false)
        #expect(told.hint?.contains("bug") == false, "\(told.hint ?? "")")
    }

    @Test(
        "waits may be seconds or dates",
        arguments: [
            ("10", Duration.seconds(10)), (" 7 ", .seconds(7)), ("1.5", .milliseconds(1500)), ("0", .zero),
            ("99999999", .seconds(3600)), ("Thu, 01 Jan 2026 00:01:00 GMT", .seconds(60)),
            ("Thursday, 01-Jan-26 00:01:00 GMT", .seconds(60)), ("Thu Jan  1 00:01:00 2026", .seconds(60)),
            ("Wed, 31 Dec 2025 23:00:00 GMT", .zero), ("10, 20", .seconds(10)), ("soon", nil), ("-5", nil), ("", nil),
            ("Thu, 31 Feb 2026 00:00:00 GMT", nil), ("1e3", nil),
        ] as [(String, Duration?)])
    func retryAfter(text: String, expected: Duration?) {
        #expect(RetryAfter.wait(text, now: Timestamp(seconds: 1_767_225_600)) == expected)
    }
}
