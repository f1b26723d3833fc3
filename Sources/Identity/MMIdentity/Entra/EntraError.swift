package import MMCore
package import MMHTTP

/// An error response of a sign-in endpoint (RFC 6749, section 5.2, with Entra ID's additions).
package struct EntraError: Error, Sendable, Hashable {
    /// The HTTP status.
    package let status: Int
    /// The error code, such as `invalid_grant` or `authorization_pending`; empty when the response isn't in the
    /// expected format.
    package let error: String
    /// Entra ID's more specific code, such as `basic_action` or `bad_token`.
    package let suberror: String?
    /// The numbers after `AADSTS`.
    package let codes: [Int]
    /// Entra ID's own message, without trace ids.
    package let text: String
    /// The claims that a new sign-in must request.
    package let claims: String?
    /// The correlation id, which Microsoft's support asks for.
    package let correlationID: String?
    /// The wait that the service asks for.
    package let retryAfter: Duration?
    /// When the service may be asked again, if it says so.
    package let until: Timestamp?

    /// Parses an error response.
    /// - Parameters:
    ///   - response: a response whose status isn't a success, or whose body holds no token.
    ///   - now: the current time, for a `Retry-After` that is a date.
    package init(_ response: HTTPResponse, now: Timestamp) {
        let limits = JSONLimits(bytes: 1 << 20, depth: 32)
        let body = (try? JSONParser.parse(response.body, limits: limits))?.object
        status = response.status
        error = body?["error"]?.string ?? ""
        suberror = body?["suberror"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let description = body?["error_description"]?.string ?? ""
        let listed = body?["error_codes"]?.array?.compactMap(\.int) ?? []
        codes = listed.isEmpty ? Self.numbers(in: description) : listed
        text = Self.firstSentence(of: description)
        claims = body?["claims"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        correlationID = body?["correlation_id"]?.string ?? response.headers["client-request-id"]
        retryAfter = response.headers["Retry-After"].flatMap { RetryAfter.wait($0, now: now) }
        until = retryAfter.flatMap { $0 >= .seconds(1) ? (now + $0).roundedUp : nil }
    }

    /// Creates the error that a browser brings back from the sign-in page (RFC 6749, section 4.1.2.1).
    init(error: String, description: String) {
        status = 400
        self.error = error.isEmpty ? "server_error" : String(error.prefix(60))
        suberror = nil
        codes = Self.numbers(in: description)
        text = Self.firstSentence(of: description)
        claims = nil
        correlationID = nil
        retryAfter = nil
        until = nil
    }

    /// Whether the service asked to slow down, and didn't carry out the request. A 503 without a wait may come from a
    /// gateway that lost the response.
    var isThrottling: Bool { status == 429 || status == 503 && retryAfter != nil }

    /// Whether the response comes from the sign-in service itself, which always names the error. Its overloaded
    /// gateways don't, but are recognisable by the status; any other response without an error code comes from a proxy
    /// or the network.
    package var isFromSignInService: Bool { !error.isEmpty || status == 429 || status >= 500 }

    /// The advice for the first number that is in the table. A declined code has the same number as a mistyped one, so
    /// there the error code decides.
    package var advice: EntraAdvice? {
        error == "authorization_declined" ? .declined : codes.lazy.compactMap(EntraAdvice.about).first
    }

    /// The next step, by `error` and `suberror`, refined by the number.
    package var action: EntraAction {
        switch error {
        case "authorization_pending": return .poll
        case "slow_down": return .slowDown
        case "authorization_declined": return .stop
        // Used both when a person declines and when a policy does.
        case "access_denied": return numbered([.policyBlock]) ?? .stop
        case "expired_token", "code_expired": return .restartDeviceFlow
        case "bad_verification_code": return .stop
        case "temporarily_unavailable", "server_error": return status == 429 ? .throttle : .retry
        case "consent_required": return numbered([.adminConsent, .userConsent]) ?? .adminConsent
        case "invalid_grant", "interaction_required", "login_required":
            return bySuberror ?? numbered(Self.ofGrants) ?? (error == "invalid_grant" ? .reauth : .reauthInteractive)
        case "invalid_client": return numbered(Self.ofConfiguration) ?? .fixConfig
        case "unauthorized_client": return bySuberror ?? numbered(Self.ofConfiguration) ?? .fixConfig
        case "invalid_scope", "invalid_resource": return numbered(Self.ofConfiguration) ?? .fixRequest
        case "unsupported_grant_type", "unsupported_response_type": return .clientBug
        case "invalid_request": return numbered(Self.ofConfiguration) ?? .clientBug
        default:
            if status == 429 { return .throttle }
            if status >= 500 { return .retry }
            return advice?.action ?? .clientBug
        }
    }

    private static let ofConfiguration: Set<EntraAction> = [
        .fixConfig, .fixSecret, .fixRequest, .wifFix, .switchTenantOrCloud, .policyBlock, .adminConsent, .retry,
        .throttle, .stopLoop,
    ]
    // A number for a malformed request doesn't count here: the service also gives it for a refresh token that it can't
    // read, which only a new sign-in replaces.
    private static let ofGrants: Set<EntraAction> = ofConfiguration.union([
        .reauth, .reauthInteractive, .restartDeviceFlow, .userConsent, .adminFixAccount, .switchAccount,
    ])

    private var bySuberror: EntraAction? {
        switch suberror {
        case "basic_action": .reauthInteractive
        case "additional_action": numbered([.reauthInteractive]) ?? .policyBlock
        case "message_only", "protection_policy_required", "device_authentication_failed": .policyBlock
        case "consent_required": numbered([.userConsent]) ?? .adminConsent
        case "user_password_expired": .adminFixAccount
        case "bad_token", "token_expired": .reauth
        case "client_mismatch": .fixConfig
        default: nil
        }
    }

    private func numbered(_ allowed: Set<EntraAction>) -> EntraAction? {
        advice.flatMap { allowed.contains($0.action) ? $0.action : nil }
    }

    private static func numbers(in text: String) -> [Int] {
        var found: [Int] = []
        var rest = text[...]
        while let mark = rest.firstRange(of: "AADSTS") {
            rest = rest[mark.upperBound...]
            if let number = Int(rest.prefix { $0.isASCII && $0.isNumber }) { found.append(number) }
        }
        return found
    }

    /// Returns the message without the trace id, correlation id and time that Entra ID appends.
    private static func firstSentence(of text: String) -> String {
        var sentence = text[..<(text.firstRange(of: "Trace ID:")?.lowerBound ?? text.endIndex)]
        sentence = sentence.prefix { !$0.isNewline }
        while sentence.last?.isWhitespace == true { sentence.removeLast() }
        return String(sentence.prefix(600))
    }
}

extension EntraError {
    /// Returns the error to report from an operation: what was attempted, what Entra ID said, and what to do.
    /// - Parameters:
    ///   - what: what was attempted, such as "Signing in to Contoso".
    ///   - connection: the connection's name.
    ///   - way: the sign-in method that was used; a policy that refuses one may allow another.
    package func mmError(for what: String, connection: String, by way: Way = .deviceCode) -> MMError {
        var details: JSONObject = ["connection": .string(connection), "action": .string(action.rawValue)]
        if !error.isEmpty { details["error"] = .string(error) }
        if let suberror { details["suberror"] = .string(suberror) }
        if let code = codes.first { details["aadsts"] = .int(Int64(code)) }
        if let correlationID { details["correlationId"] = .string(correlationID) }
        if way == .onBehalfOf, let challenge {
            details["challenge"] = .string(challenge)
            details["claims"] = claims.map { .string($0) }
        }
        if let until { details["until"] = .string(until.iso8601) }
        if let next = next(after: way) { details["nextWay"] = .string(next.rawValue) }
        let title = advice?.title ?? (error.isEmpty ? "the sign-in service answered with status \(status)" : error)
        let said = text.isEmpty ? "" : " (\(text))"
        let then = until.map { " The sign-in service may be asked again at \($0.iso8601)." } ?? ""
        return MMError(
            code, "\(what) failed: \(title)\(said).\(then)", hint: hint(connection, way), retry: retry,
            details: details,
            cause: "\(status) \(error) \(suberror ?? "") \(codes)")
    }

    /// The challenge with which a server tells a caller to sign in again (RFC 6750, section 3), if that may help.
    private var challenge: String? {
        if let claims {
            return "Bearer error=\"insufficient_claims\", claims=\"\(Base64.text(Array(claims.utf8)))\""
        }
        // A client that is told to sign in again would use the same account.
        let mayHelp = action.loss != .nothing && action != .switchAccount
        return mayHelp ? "Bearer error=\"invalid_token\"" : nil
    }

    private var code: MMErrorCode {
        switch action {
        case .poll, .slowDown, .restartDeviceFlow, .reauth, .reauthInteractive: .signInNeeded
        case .stop, .userConsent, .adminConsent, .adminFixAccount, .switchAccount, .policyBlock: .forbidden
        case .switchTenantOrCloud, .fixConfig, .fixSecret, .fixRequest, .wifFix: .invalidInput
        case .retry: .unavailable
        case .throttle, .stopLoop: .throttled
        case .clientBug: error.isEmpty ? .remoteFailed : .internalError
        }
    }

    private var retry: MMError.Retry {
        switch action {
        case .retry, .throttle: retryAfter.map { .after($0) } ?? .after(.seconds(5))
        case .stopLoop: .after(retryAfter ?? .seconds(300))
        default: .never
        }
    }

    /// The sign-in methods that a policy may distinguish.
    package enum Way: String, Sendable {
        case deviceCode = "device"
        /// A module's own device code, which the connection's next call to it shows.
        case module
        case browser
        case broker
        case app
        case onBehalfOf
    }

    /// Whether a tenant's policy refused the sign-in method rather than the account: it requires another flow, a known
    /// device, or a step that only a browser can show.
    var isMethodRefused: Bool {
        codes.contains {
            [50_097, 50_127, 50_129, 50_155, 50_158, 50_187, 53_000, 53_001, 53_003].contains($0)
                || EntraAdvice.conditionalAccess.contains($0)
        }
    }

    /// Whether a device code was not approved in time.
    var hasExpired: Bool {
        error == "expired_token" || error == "code_expired" || codes.contains { $0 == 70_019 || $0 == 70_020 }
    }

    /// Returns the method that may be allowed when this one was refused.
    private func next(after way: Way) -> Way? {
        isMethodRefused && (way == .deviceCode || way == .module) ? .browser : nil
    }

    private func hint(_ connection: String, _ way: Way) -> String {
        let advice = advice?.advice ?? fallback(way)
        if way == .onBehalfOf {
            if challenge != nil {
                return advice
                    + " The caller's app can do that: answer it with status 401 and the WWW-Authenticate header "
                    + "in `challenge` of the details."
            }
            return action == .adminConsent || action == .userConsent
                ? advice
                    + " Or list the caller's app in knownClientApplications, so that people consent to both at once."
                : advice
        }
        guard isMethodRefused else { return advice + tail(connection, way) }
        switch way {
        case .deviceCode, .module:
            return advice + " A browser on this machine may be allowed if device codes are not: mm login "
                + "\(ShellWord.quoted(connection)) --browser."
        case .browser:
            return advice
                + " Other options: a device that the tenant manages, an exception by "
                + "its administrator, or signing in as an app (auth of the connection: certificate, "
                + "federated, managed-identity)."
        case .broker:
            return advice
                + " The company portal of this machine (intune-portal) shows what this device lacks; otherwise the "
                + "tenant's administrator can make an exception."
        case .app, .onBehalfOf: return advice + " Only an administrator can change policies for workload identities."
        }
    }

    private func fallback(_ way: Way) -> String {
        switch action {
        case .poll, .slowDown: "Approve the sign-in in a browser."
        case .stop: "This code can't be used any longer."
        case .restartDeviceFlow: "The code has expired. Start a new one."
        case .reauth, .reauthInteractive: "Sign in again."
        case .userConsent: "Start again and accept the permissions."
        case .adminConsent: "Ask an administrator of the tenant to grant the app its permissions."
        case .adminFixAccount: "Ask an administrator to check the account."
        case .switchAccount: "Sign in with an account of this tenant."
        case .switchTenantOrCloud: "Check tenantId and cloud of the connection."
        case .fixConfig where way == .app || way == .onBehalfOf:
            "Check appId and tenantId of the connection, and the app's credential (auth)."
        case .fixConfig: "Check appId and tenantId of the connection, and that public client flows are on for the app."
        case .fixSecret: "Check the app's secret or certificate."
        case .fixRequest: "Check the permissions of the app registration for this service."
        case .wifFix: "Check the federated credential of the app."
        case .policyBlock: "A policy of the tenant forbids it; a retry does not help. Ask the tenant's administrator."
        case .retry: "The sign-in service has a temporary fault. Try again in a moment."
        case .throttle: "Too many sign-in requests. mm waits until the service accepts requests again."
        case .stopLoop: "The same request was repeated too often. Stop for a few minutes."
        case .clientBug: "This is a bug in mm, or in something between it and Entra ID. Please report it."
        }
    }

    private func tail(_ connection: String, _ way: Way) -> String {
        let name = ShellWord.quoted(connection)
        // `mm login` would sign in the connection's own app, if it has one, and not its module.
        func again(_ login: String) -> String { way == .module ? " The next call shows a new code." : login }
        return switch action {
        // Without `--renew`, the tokens of the old sign-in are tried again.
        case .adminFixAccount where way != .app: again(" To sign in anew: mm login \(name) --renew.")
        case .stop, .userConsent, .switchAccount: again(" For a new code: mm login \(name).")
        case .reauth, .reauthInteractive, .restartDeviceFlow: again(" mm login \(name).")
        case .switchTenantOrCloud, .fixConfig: " See mm connections show \(name)."
        default: ""
        }
    }
}

/// The meaning of one of Entra ID's error numbers (`AADSTS…`) and what to do about it.
///
/// Microsoft warns that the numbers change, so they only refine the advice; decisions follow `error` and `suberror`
/// first.
package struct EntraAdvice: Sendable, Hashable {
    /// The number without `AADSTS`.
    package let code: Int
    /// The next step.
    package let action: EntraAction
    /// The description of the error, in a few words.
    package let title: String
    /// The advice for a person, in a sentence or two.
    package let advice: String

    /// The advice for a code that a person declined.
    static let declined = EntraAdvice(
        code: 70_018, action: .stop, title: "Declined by the person",
        advice: "The person declined the sign-in. Start again if that was a mistake.")

    /// Returns the advice for a number; `nil` when nothing is known about it.
    package static func about(_ code: Int) -> EntraAdvice? {
        table[code] ?? (conditionalAccess.contains(code) ? table[53_003] : nil)
    }

    /// The numbers of the reasons for which Conditional Access refuses a token.
    static let conditionalAccess = 530_000..<530_100

    /// All numbers in the table, in ascending order.
    package static var codes: [Int] { table.keys.sorted() }

    private static let table: [Int: EntraAdvice] = {
        var table: [Int: EntraAdvice] = [:]
        for line in lines.split(separator: "\n") {
            let parts = line.split(separator: "|", maxSplits: 3)
            guard parts.count == 4, let code = Int(parts[0]), let action = EntraAction(rawValue: String(parts[1]))
            else {
                continue
            }
            table[code] = EntraAdvice(code: code, action: action, title: String(parts[2]), advice: String(parts[3]))
        }
        return table
    }()
}

extension EntraAdvice {
    /// Entra ID's error numbers, one per line: number, action, title, advice.
    ///
    /// Numbers and titles follow "Microsoft Entra authentication and authorization error codes"; the advice is our own.
    /// This is one string, parsed when an error occurs, because a literal of structures would slow down every start and
    /// every build.
    static let lines = """
        16000|switch_account|Account not present in tenant|The signed-in account does not exist in the tenant named by the connection. Sign in with an account of that tenant or have it added as a guest.
        16003|switch_account|Account not in this tenant|The account was never added to the tenant of the connection. Sign in with another account, or have it invited as a guest.
        28002|fix_request|Scope not accepted|A scope of the request isn't valid for this service. Check the service that the token is for, and the permissions of the app registration.
        40008|admin_fix_account|Outside identity provider failed|The identity provider of the account's own organisation or domain refuses it. Its administrator can see why.
        40009|reauth|Outside identity provider wants a sign-in|The identity provider of the account's own organisation no longer accepts the sign-in. Sign in again.
        40010|retry|Passing fault of the outside identity provider|The identity provider of the account's own organisation has a temporary fault. Try again in a moment.
        50000|retry|Token not issued|The sign-in service failed. Try again; if it goes on, Microsoft's support can find the request by its correlation id.
        50001|fix_request|Resource unknown or disabled|The API the token was asked for is not present or is switched off in this tenant. Check the resource of the scope.
        50002|policy_block|Tenant not allowed by the network|A network proxy restricts the tenants that may be used from here. Use another network or have the tenant allowed.
        50005|policy_block|Device platform not allowed|Conditional Access does not accept sign-in from this device platform. Use a platform the policy allows.
        50011|fix_config|Redirect URI mismatch|The redirect URI is not registered on the app. Register http://localhost under the mobile and desktop platform, or use the device code flow.
        50012|fix_secret|Client certificate or assertion rejected|The certificate or the signed assertion was not accepted. Check that the public certificate is uploaded to the app and that thumbprint and key belong together.
        50013|fix_request|Assertion invalid|The assertion is expired, malformed or meant for someone else. Build a new one; check clock and audience.
        50014|admin_fix_account|Guest invitation not redeemed|The guest account has not accepted its invitation. Accept it or choose the right tenant.
        50017|admin_fix_account|Certificate of the person not trusted|The tenant doesn't trust the certificate with which the person signs in, or can't read its revocation list. Ask the tenant's administrator.
        50020|switch_account|Foreign account|The account comes from another tenant or provider and is not a guest here. Sign in with the expected account or have it invited.
        50027|fix_request|Token malformed|The token that was presented for the app or its caller is not one that Entra ID can read. Check where it comes from: it must be one whole JWT and nothing else, still valid, from the expected issuer.
        50032|fix_secret|Key too weak|The RSA key is too short. Use a certificate with a key of at least 2048 bits.
        50033|retry|Passing fault|The service had a temporary fault. Try again in a moment.
        50034|switch_account|User not found|No such account in this directory. Check the address and the tenant.
        50049|switch_tenant_or_cloud|Unknown cloud instance|The login host is not a known instance. Check the cloud setting of the connection.
        50053|admin_fix_account|Account locked or address blocked|Too many failed tries, or the network address is regarded as malicious. Wait, then try from another network or have the account unlocked.
        50055|admin_fix_account|Password expired|The password must be changed in a browser first.
        50056|reauth_interactive|No password on the account|The account has no password in this directory. Sign in again, in another way than with a password.
        50057|admin_fix_account|Account disabled|The account is disabled. Have it enabled or use another account.
        50058|reauth_interactive|No session for silent sign-in|No usable sign-in session. Sign in interactively.
        50059|fix_config|Tenant not identified|The request has no tenant. Put tenantId into the connection.
        50064|reauth_interactive|Wrong user name or password|Credentials are wrong. Sign in again.
        50072|reauth_interactive|MFA registration required|The user must register a second factor first. Sign in once in a browser.
        50074|reauth_interactive|MFA required and not passed|Sign in again and complete the second factor.
        50076|reauth_interactive|MFA required|Policy, location or an admin change now asks for a second factor. Sign in again; pass the claims value on if there is one.
        50078|reauth_interactive|MFA expired|The second factor is too old for this resource. Sign in again.
        50079|reauth_interactive|MFA enrolment required|The user must enrol a second factor before access is possible.
        50085|reauth|Sign-in with the outside provider needed|The sign-in with the outside identity provider has ended. Sign in again.
        50089|restart_device_flow|Flow token expired|The sign-in took too long. Start again.
        50097|policy_block|Device authentication required|The policy asks for a registered device; device code cannot prove one. Use browser or broker sign-in on a managed device.
        50105|admin_fix_account|User not assigned to the app|The enterprise app requires assignment. Have the user or a group assigned.
        50120|fix_request|Token malformed|The header of the token that was presented can't be read. Check where it comes from: it must be one whole JWT and nothing else.
        50125|reauth_interactive|Password to be set or registered|The person must set a password or register for resetting it. Sign in again in a browser and complete the step.
        50126|reauth_interactive|Wrong user name or password|Credentials are wrong. mm never sends passwords; sign in by device code.
        50127|policy_block|Broker app needed|The policy asks for an app that vouches for the device, and device code has none. Use broker sign-in on a managed device.
        50128|fix_config|Tenant not found from input|The domain is not known. Check tenant or tenantId.
        50129|policy_block|Device not registered|The policy asks for a registered device; device code cannot prove one. Use browser or broker sign-in on a managed device.
        50131|policy_block|Conditional Access failed|A policy stopped this sign-in because of device state or suspicious activity. Look at the sign-in log with the correlation id.
        50132|reauth|Session ended by password change|The password changed or expired. Sign in again.
        50133|reauth|Session revoked|The session was revoked after a password change or expiry. Sign in again.
        50134|restart_device_flow|Wrong data centre for device flow|The approving browser was sent to another region than the device code. Start a new code and approve at once.
        50135|admin_fix_account|Password change required|The account is at risk, so the person must change the password in a browser first.
        50139|reauth|Session without its outside token|The session of the personal account has ended. Sign in again.
        50140|restart_device_flow|Keep-me-signed-in interrupt|Sign-in was interrupted by a prompt. Finish it in the browser or start again.
        50143|reauth_interactive|Session of another tenant|The browser's session belongs to another tenant. Sign in again, best in a private window.
        50144|admin_fix_account|Password expired|The password in the organisation's own Active Directory has expired. The person must change it, or an administrator resets it.
        50155|policy_block|Device authentication failed|The device could not be verified. Repair its registration or use another device.
        50158|reauth_interactive|External challenge not satisfied|A third-party check (external MFA, terms of use) is open. Sign in in a browser and complete it.
        50173|reauth|Grant revoked|Tokens of this user were revoked. Sign in again.
        50187|policy_block|Device not identified|The policy asks for a registered device; device code cannot prove one. Use browser or broker sign-in on a managed device.
        50194|fix_config|App is single tenant|The app does not accept the common endpoint. Use the tenant id in the authority.
        50196|stop_loop|Request loop detected|The client repeated the same token request too often. Wait a few minutes, then try again.
        50197|reauth_interactive|Account ambiguous|The account could not be found. Sign in again.
        50199|restart_device_flow|Confirmation interrupt|The user must confirm that they meant to sign in to this app. Finish the prompt in the browser.
        51004|switch_account|Account not in the directory|The account does not exist in the tenant of the connection. Sign in with another account, or have it invited as a guest.
        51006|reauth_interactive|Integrated Windows sign-in needed|The session lacks the sign-in of the organisation's own network. Sign in again.
        53000|policy_block|Device not compliant|The policy asks for a compliant device. Device code cannot show that; use a managed device with browser or broker sign-in.
        53001|policy_block|Device not domain joined|The policy asks for a joined device. Same advice as for 53000.
        53002|policy_block|App not approved|The policy allows approved apps only. Have the app excluded or use another access way.
        53003|policy_block|Blocked by Conditional Access|A policy forbids the token, often one that blocks the device code flow. Ask the administrator; a retry does not help.
        53004|policy_block|MFA registration blocked by risk|The user must register a second factor but may not from here. Register from a trusted place.
        53010|policy_block|Second factor can't be registered here|The organisation lets people register their second factor only from certain places or devices. Register it there, then sign in.
        53011|policy_block|User blocked by home-tenant risk|Identity Protection of the home tenant blocks the user.
        54005|restart_device_flow|Authorization code already used|The code was redeemed before. Start a new sign-in; never retry a code exchange.
        65001|admin_consent|Consent missing|Nobody consented to these permissions for this app. Ask an administrator for consent, or sign in interactively if users may consent.
        65002|fix_config|First-party app not pre-authorised|A Microsoft app id may not ask for this API. Use an own app registration for this module.
        65004|user_consent|User declined consent|The user pressed cancel on the consent page. Start again if that was a mistake.
        65005|fix_config|App lists no such resource|The app registration does not name this API or the scope. Add the permission.
        70000|reauth|Refresh token not accepted|The stored refresh token is invalid. Sign in again.
        70001|fix_config|App not found or disabled|The app is unknown or disabled in this tenant. Check appId and tenantId of the connection; an administrator can enable the app.
        70002|fix_secret|Credential of the app not accepted|The app's secret does not match. Store the right one.
        70003|client_bug|Grant type not supported|The grant type is unknown to this endpoint. A client fault or a wrong endpoint.
        70004|fix_config|Redirect URI mismatch|The redirect URI is not registered on the app. Register http://localhost under the mobile and desktop platform, or use the device code flow.
        70008|reauth|Grant expired or revoked|Sign in again.
        70011|fix_request|Scope invalid|A scope is malformed, unknown or mixes .default with names. Fix the scope list.
        70012|retry|Passing fault|The service for personal accounts had a temporary fault. Try again in a moment.
        70016|poll|Waiting for the user|The code was not entered yet. Keep polling at the given interval.
        70018|restart_device_flow|Wrong user code|The code was mistyped. Show the code again.
        70019|restart_device_flow|Verification code expired|The code is too old. Start a new one.
        70020|restart_device_flow|Device code expired|The device code expired. Start a new one.
        70021|wif_fix|No matching federated credential|Issuer, subject or audience of the outside token fits no federated credential of the app (older form of 700213).
        70025|wif_fix|App without federated credential|The app has no federated credential. Add one to the app registration (Certificates & secrets, Federated credentials) with issuer, subject and audience of the outside token.
        70043|reauth|Sign-in frequency reached|A policy limits the session length. Sign in again.
        70044|reauth|Session expired by policy|A session policy asks for a new sign-in.
        90002|switch_tenant_or_cloud|Tenant not found|The tenant does not exist in this cloud. Check spelling and cloud.
        90006|retry|Passing fault|The service was unavailable for a moment. Try again in a moment.
        90008|admin_consent|Consent missing|Nobody consented to this app signing people in. Ask an administrator for consent to User.Read at least.
        90009|fix_config|App asks for a token of its own|The app must name itself by its id (a GUID) to get a token for itself. Check the audience that is asked for.
        90012|retry|Passing fault|The service took too long. Try again in a moment.
        90014|client_bug|Required field missing|The request lacks a field. A client fault.
        90019|fix_config|Tenant not identified|The request has no tenant. Put tenantId into the connection.
        90024|retry|Passing fault|The service was busy. Try again in a moment.
        90033|retry|Directory temporarily unavailable|Try again in a moment.
        90038|switch_tenant_or_cloud|Tenant is in another cloud|The tenant lives in a national cloud. Change the cloud setting of the connection.
        90051|switch_tenant_or_cloud|Unknown cloud|The national cloud is not a known one. Check the cloud setting of the connection.
        90055|throttle|Tenant throttled|Too many requests for this tenant. Wait as long as the service asks, and slow down.
        90072|switch_account|External account cannot meet MFA|The account is not in this tenant, so its second factor cannot be checked. Use an account of the tenant or a guest.
        90090|retry|Passing fault|The service was unavailable for a moment. Try again in a moment.
        90091|retry|Passing fault|The directory could not be reached. Try again in a moment.
        90093|admin_consent|Only an administrator may grant it|The person may not grant the app its permissions. Ask an administrator of the tenant for consent.
        90094|admin_consent|Admin consent required|Only an administrator may grant this permission.
        90095|admin_consent|Admin consent request open|The consent workflow is on: the user can send a request. Wait for approval.
        90099|admin_consent|App not admitted to the customer's tenant|A partner's app needs consent in each customer's tenant before delegated administrators can use it. Have it granted there.
        90124|fix_config|Tenant needed|The service is not available without naming a tenant. Put tenantId into the connection.
        90130|fix_config|Tenant needed|The app is not available without naming a tenant. Put tenantId into the connection.
        135011|policy_block|Device disabled|The device used for sign-in is disabled in the directory.
        240002|fix_request|Not an access token|An id_token can't be exchanged. Callers must send the access token that was issued for this app.
        500011|fix_config|Resource service principal missing|The API has no service principal in this tenant. Check the resource URI and the tenant; an administrator may have to consent once or provision the service.
        500014|fix_config|Service disabled in this tenant|The service's enterprise application is disabled, or its subscription has lapsed. An administrator can enable it (Enterprise applications, Properties).
        500021|policy_block|Tenant restriction in force|A network proxy adds tenant restriction headers that forbid this tenant. Use another network or have the tenant allowed.
        500022|policy_block|Tenant restriction in force|A network proxy adds tenant restriction headers that forbid this tenant. Use another network or have the tenant allowed.
        500113|fix_config|No redirect URI registered|The app has no reply address at all. Add the mobile and desktop platform with http://localhost.
        500121|restart_device_flow|MFA not completed|The second factor was denied, failed or timed out. Start again and approve the prompt; deny unexpected prompts.
        500131|fix_request|Assertion for another app|The token to exchange was issued for another app. Callers must request one for the appId of this connection.
        500133|fix_request|Assertion outside its validity|The assertion is not valid at this time. Get a new one and check the clock.
        500208|switch_account|Account of another kind|The tenant or app does not take this kind of account, such as a personal one. Sign in with a work or school account.
        500212|policy_block|Outbound policy blocks tenant|The user's home organisation does not allow access to this tenant. Ask the home administrator.
        500213|policy_block|Inbound policy blocks user|This tenant's cross-tenant policy does not admit the user. Ask the tenant's administrator.
        500341|switch_account|Account deleted|The account was deleted from the directory. Sign in with another account, or have it restored, which is possible for 30 days.
        500571|admin_fix_account|Guest account disabled|The guest account is disabled. Have it enabled or use another account.
        501481|client_bug|PKCE verifier mismatch|code_verifier does not belong to code_challenge. Start a new browser sign-in; a repeat is a client fault.
        530003|policy_block|Managed device required|Access needs a managed or compliant device. Device code fails here by design.
        530032|policy_block|Blocked by security policy|A tenant security policy refuses the request. Ask the administrator.
        530034|policy_block|Delegated admin blocked|A partner administrator was blocked because of risk in the home tenant.
        530035|policy_block|Blocked by security defaults|Security defaults refuse this sign-in as legacy or unsafe.
        650052|fix_config|Service not subscribed|The organisation has no subscription for the API. Check licences.
        650054|fix_config|Service no longer there|The app asks for permissions of a service that the tenant no longer has. Remove them from the app registration.
        650056|fix_config|App misconfigured|The app has no permission for the API or consent is missing. Check the API permissions.
        650057|fix_config|Resource not in app permissions|The app registration does not list the requested API. Add it and consent.
        700011|fix_config|App not found in tenant|The app id is unknown in this tenant. Check appId and tenantId of the connection, then cloud.
        700016|fix_config|App not found in tenant|The app id is unknown in this tenant. Check appId and tenantId of the connection, then cloud.
        700020|reauth_interactive|Interaction required|The service asks for a step of the person. Sign in again.
        700022|fix_request|Scopes of several resources|Ask one resource per token request.
        700024|wif_fix|Client assertion outside its validity|The federated or certificate assertion is too old or too new. Get a fresh one (CI tokens often live five minutes) and check the clock.
        700025|fix_config|Public client sent a credential|The app is public; do not send a secret or assertion.
        700027|fix_secret|Client assertion signature failed|The certificate is not registered on the app, or the header thumbprint is wrong.
        700030|fix_secret|Certificate with another subject|The subject of the certificate is not authorised for the app. Use a certificate with one of the registered names.
        700082|reauth|Refresh token inactive too long|The token was not used for its inactivity period (90 days unless set otherwise). Sign in again.
        700084|fix_config|Browser app token ended|The token was issued for a single-page app and lives 24 hours. Use a public client platform instead.
        700211|wif_fix|No matching federated issuer|The issuer of the outside token is not registered on the app. Mind trailing slashes.
        700212|wif_fix|No matching federated audience|The audience of the outside token is not the registered one, usually api://AzureADTokenExchange (the clouds differ).
        700213|wif_fix|No matching federated subject|The subject of the outside token must equal the registered one character by character; some CI systems add numeric ids. Copy the subject from the message.
        700229|wif_fix|Token of a person|Only an app's own token can stand for an app here. Get it by the client credentials flow, not for a person.
        900023|fix_config|Tenant identifier malformed|The tenant is neither a GUID nor a domain name.
        900144|client_bug|Request body lacks a parameter|The message names the missing parameter. A client fault.
        900382|switch_tenant_or_cloud|App of another cloud|An app with a secret or certificate works only in the cloud where it is registered. Check the cloud setting of the connection.
        900384|fix_request|Signature of the token not valid|The token that was presented is not signed by the expected key, or was changed. Get a new one from its issuer.
        900432|switch_tenant_or_cloud|App of another cloud|An app with a secret or certificate works only in the cloud where it is registered. Check the cloud setting of the connection.
        900971|fix_config|No redirect URI registered|The app has no reply address at all. Add the mobile and desktop platform with http://localhost.
        1000031|fix_config|App not accessible|The app can't be used in this tenant at this time. Ask the tenant's administrator.
        1000104|policy_block|Cloud not allowed by the home tenant|The user's home organisation does not allow access to resources of another cloud. Ask the home administrator.
        5000224|policy_block|Tenant not available|The tenant is closed or being deleted. Check tenantId of the connection; its administrator can ask Microsoft's support to restore it.
        5000225|policy_block|Tenant blocked as unused|The tenant was blocked after a long time without use. Its administrator can have it restored (aka.ms/TenantLifecycle).
        7000112|fix_config|App disabled|The app is disabled. Have it enabled.
        7000114|fix_config|App may not act for its callers|The app is not allowed to exchange its callers' tokens. Check its registration.
        7000215|fix_secret|Wrong client secret|The secret value is wrong; the secret id is not the secret. Store the right one.
        7000218|fix_config|Client authentication missing|The app is not a public client. Switch on public client flows, or give a secret or certificate.
        7000222|fix_secret|Client secret expired|The secret has expired. Make a new one or move to a certificate or federation.
        9001023|fix_config|Tenant needed|This way of signing in needs a named tenant. Put tenantId into the connection.
        9002313|client_bug|Request malformed|The request body or encoding is wrong. A client fault.
        9002326|fix_config|Redirect registered as browser app|The redirect URI is of another platform type than the exchange expects. Register it under mobile and desktop.
        9002332|fix_config|Work accounts only|The app takes only accounts of organisations. Put the tenantId of one into the connection.
        """
}

/// How much of a sign-in is over.
package enum SignInLoss: Sendable {
    /// Nothing, or nothing that another sign-in would bring back.
    case nothing
    /// The tokens of one service: a policy demands a further step there, which other services may not need.
    case oneService
    /// The tokens of all services.
    case everything
}

/// The next step that an answer of the token endpoint calls for.
package enum EntraAction: String, Sendable, Hashable, CaseIterable {
    /// The person hasn't approved yet: poll again after the interval.
    case poll
    /// As `poll`, but with the interval extended by five seconds (RFC 8628, section 3.5).
    case slowDown = "slow_down"
    /// The person declined, or the code is unknown; request a new code only when someone asks for one.
    case stop
    /// The code has expired: a new one is needed.
    case restartDeviceFlow = "restart_device_flow"
    /// The refresh token is no longer valid: sign in again.
    case reauth
    /// A person must complete a step (second factor, terms of use): sign in again with the claims of the answer.
    case reauthInteractive = "reauth_interactive"
    /// The person declined the consent page.
    case userConsent = "user_consent"
    /// An administrator must grant permissions.
    case adminConsent = "admin_consent"
    /// An administrator must repair the account.
    case adminFixAccount = "admin_fix_account"
    /// Another account is needed.
    case switchAccount = "switch_account"
    /// The tenant or cloud of the connection is wrong.
    case switchTenantOrCloud = "switch_tenant_or_cloud"
    /// The connection or the app registration is wrong.
    case fixConfig = "fix_config"
    /// The app's secret or certificate is wrong.
    case fixSecret = "fix_secret"
    /// The scope or resource asked for is wrong.
    case fixRequest = "fix_request"
    /// The federated credential is wrong.
    case wifFix = "wif_fix"
    /// A policy forbids it; retrying never helps.
    case policyBlock = "policy_block"
    /// The service has a temporary fault: retry after a pause.
    case retry
    /// Too many requests: retry after a longer pause.
    case throttle
    /// The same request was sent too often: stop for some minutes.
    case stopLoop = "stop_loop"
    /// A bug in this program.
    case clientBug = "client_bug"

    /// How much of a sign-in is over once its renewal is answered in this way.
    package var loss: SignInLoss {
        switch self {
        case .reauth, .restartDeviceFlow, .switchAccount: .everything
        case .reauthInteractive: .oneService
        default: .nothing
        }
    }

    /// Whether the same request may succeed after a pause.
    package var isTransient: Bool { self == .retry || self == .throttle }
}
