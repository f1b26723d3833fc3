internal import MMCore
internal import MMHTTP
internal import MMSystem

/// Starts a device code sign-in, or continues the one on disk, with at most one poll of the service (RFC 8628). Runs
/// under the connection's lock.
struct DeviceSignIn: Sendable {
    private let work: TokenAcquirer
    private let claims: String?
    /// The digest of the refresh token that was refused, so that it isn't retried with every poll.
    private let refused: String?
    /// The reason why the last sign-in ended.
    private let reason: String?
    private let file: PendingFile

    // The number of seconds for which a refusal, or a second expired code, keeps automatic callers from starting over.
    private static let rest: Int64 = 900

    init(_ work: TokenAcquirer, claims: String?, refused: String?, because reason: String? = nil) {
        self.work = work
        self.claims = claims
        self.refused = refused
        self.reason = reason
        file = work.files.pending(work.target, work.resource)
    }

    private var target: SignInTarget { work.target }
    private var now: Timestamp { work.clock.now }

    func run() async throws(MMError) -> TokenAcquirer.Outcome {
        let own = try file.read()
        if let own, own.outcome == nil {
            if let claims, Claims.merged(own.claims, claims) != own.claims { return try await startOver() }
            return try await poll(own, file, work.resource)
        }
        // Before anyone has signed in, a code shown for another service serves this one too: once it is approved, the
        // refresh token works for both. Claims are demanded by one service alone.
        let others = claims == nil ? try work.files.signIns(of: target) : []
        let current = others.filter { now.seconds < $0.pending.expiresAt }
        if let open = current.first(where: { $0.pending.outcome == nil }) {
            return try await poll(open.pending, open.file, open.resource)
        }
        let ended =
            [own].compactMap(\.self).filter { now.seconds < $0.expiresAt }
            + current.map(\.pending).filter { $0.outcome != .expired }
        if let last = ended.first(where: { $0.outcome != .failed }) { throw closed(last) }
        return try await start(after: ended.first?.lapse, claims: claims)
    }

    // MARK: Start

    /// Requests a new code, whatever is on disk.
    func startOver() async throws(MMError) -> TokenAcquirer.Outcome { try await start(claims: claims) }

    /// Signs in even if there are valid tokens; continues such a sign-in if one is still open.
    func renew() async throws(MMError) -> TokenAcquirer.Outcome {
        if let pending = try file.read(), pending.isRenewal, pending.outcome == nil, now.seconds < pending.expiresAt {
            return try await poll(pending, file, work.resource)
        }
        return try await startOver()
    }

    private func start(
        restarts: Int = 0, after lapse: String? = nil, claims: String?
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let scopes = SignInScopes.asking(target.authority.cloud, work.resource)
        let correlationID = RandomBytes.uuid()
        let code: DeviceCode
        do {
            code = try await work.entra.startDeviceCode(
                target, scopes: scopes, claims: claims, correlationID: correlationID, deadline: work.deadline)
        } catch {
            throw plain(error, "Starting the sign-in of \(target.connection)")
        }
        let started = now.seconds
        let pending = PendingSignIn(
            deviceCode: code.deviceCode, userCode: code.userCode, verificationURI: code.verificationURI,
            message: code.message, startedAt: started, expiresAt: started + Int64(code.expiresIn),
            interval: code.interval, nextPollAt: moment(in: code.interval), correlationID: correlationID,
            scopes: scopes, claims: claims,
            restarts: restarts, lapse: lapse, isRenewal: work.options.renewal != .no,
            refused: refused, reason: reason, outcome: nil, identity: file.identity)
        try ProtectedFile.makeDirectory(work.files.directory)
        try await file.write(pending)
        return prompt(pending, work.resource)
    }

    // MARK: Poll

    private func poll(
        _ pending: PendingSignIn, _ file: PendingFile, _ resource: ServiceResource
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        var pending = pending
        // The service's clock decides: up to a minute past the expiry by our clock, ask once more.
        if now.seconds >= pending.expiresAt + 60 { return try await codeExpired(pending, file, resource) }
        // A wait of more than an hour means that the clock was set back; ignore it.
        if now.seconds < pending.nextPollAt, pending.nextPollAt - now.seconds <= 3600 {
            return prompt(pending, resource)
        }
        HeldSecrets.shared.hold(pending.deviceCode)
        let scopes = pending.scopes.isEmpty ? SignInScopes.asking(target.authority.cloud, resource) : pending.scopes
        let answer: TokenAnswer
        do {
            answer = try await work.entra.pollDeviceCode(
                target, code: pending.deviceCode, scopes: scopes, claims: pending.claims,
                correlationID: pending.correlationID, deadline: work.deadline)
        } catch {
            return try await unanswered(error, &pending, file, resource)
        }
        return try await approved(answer, pending, file, resource)
    }

    private func approved(
        _ answer: TokenAnswer, _ pending: PendingSignIn, _ file: PendingFile, _ resource: ServiceResource
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let signedInFor = TokenAcquirer(
            files: work.files, entra: work.entra, clock: work.clock, target: target, resource: resource,
            options: TokenOptions(interaction: .never), deadline: work.deadline)
        let token: AccessToken
        do {
            let snapshot = try await work.files.snapshot(target)
            token = try await signedInFor.store(answer, nil, refreshedFrom: nil, snapshot)
        } catch {
            // The code is used up, no matter which account signed in.
            if error.code == .forbidden {
                _ = try? await over(pending, .failed, because: error.message.trimmedOfPeriod, file)
            }
            work.entra.log.warning("sign-in not accepted: \(error.message)")
            throw error
        }
        work.entra.log.info(
            "signed in", ["account": .string(token.account.username), "resource": .string(resource.name)])
        try file.remove()
        try work.files.removeObsoleteSignIns(of: target)
        if resource == work.resource { return .token(token) }
        return try await work.afterSignIn()
    }

    private func unanswered(
        _ fault: EntraClient.Fault, _ pending: inout PendingSignIn, _ file: PendingFile, _ resource: ServiceResource
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        switch fault {
        case .unreachable(let error):
            guard error.kind != .cancelled else { throw error.mmError(for: "Signing in to \(target.connection)") }
            // RFC 8628, section 3.5: poll less often after a timeout.
            return try await pollLater(
                &pending, file, resource, wait: min(pending.interval * 2, 60), trouble: error.message)
        case .unexpected(let error):
            var wait = min(pending.interval * 2, 60)
            if error.code == .throttled, case .after(let told) = error.retry {
                wait = max(wait, Int(told.components.seconds) + 1)
            }
            return try await pollLater(&pending, file, resource, wait: wait, trouble: error.message)
        case .refused(let error) where error.isMethodRefused:
            // Another code would be refused as well.
            throw try await failed(pending, error, file)
        case .refused(let error):
            switch error.action {
            case .poll: return try await pollLater(&pending, file, resource, wait: pending.interval)
            case .slowDown:
                pending.interval += 5
                return try await pollLater(&pending, file, resource, wait: pending.interval)
            case .retry, .throttle:
                let asked = Int(error.retryAfter?.components.seconds ?? 0)
                return try await pollLater(
                    &pending, file, resource, wait: max(pending.interval * 2, asked),
                    trouble: "the sign-in service has a temporary problem (status \(error.status))")
            case .restartDeviceFlow where error.hasExpired:
                return try await codeExpired(pending, file, resource)
            case .restartDeviceFlow, .reauth, .reauthInteractive:
                // The person has approved, but the service demands more of the next sign-in.
                pending.claims = Claims.merged(pending.claims, error.claims)
                return try await codeExpired(pending, file, resource, because: error.reason)
            case .stop:
                return try await refused(error, pending, file)
            default: throw try await failed(pending, error, file)
            }
        }
    }

    private func pollLater(
        _ pending: inout PendingSignIn, _ file: PendingFile, _ resource: ServiceResource, wait: Int,
        trouble: String? = nil
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        pending.nextPollAt = moment(in: wait)
        try await file.write(pending)
        return prompt(pending, resource, trouble: trouble)
    }

    /// Handles an expired code, or one that the service no longer accepts. The first one is replaced automatically;
    /// after the second, someone has to ask for a new one, unless that is what this call is.
    private func codeExpired(
        _ pending: PendingSignIn, _ file: PendingFile, _ resource: ServiceResource, because lapse: String? = nil
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        let isLongAgo = now.seconds > pending.expiresAt + Self.rest
        if pending.restarts == 0 || isLongAgo || work.options.isAsked {
            if resource != work.resource { try file.remove() }
            return try await start(
                restarts: isLongAgo ? 0 : pending.restarts + 1, after: lapse,
                claims: lapse == nil ? claims : pending.claims)
        }
        throw closed(try await over(pending, .expired, because: lapse, file))
    }

    private func refused(
        _ error: EntraError, _ pending: PendingSignIn, _ file: PendingFile
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        guard error.error == "bad_verification_code" else {
            throw closed(try await over(pending, .declined, file))
        }
        _ = try await over(pending, .failed, because: "the sign-in service no longer knows it", file)
        throw MMError(
            .signInNeeded, "The sign-in service no longer knows the code of \(target.connection).",
            hint: "Repeat the call for a new code.", retry: .now, details: ["connection": .string(target.connection)])
    }

    /// Stores why a sign-in failed.
    /// - Returns: the error to report.
    private func failed(
        _ pending: PendingSignIn, _ error: EntraError, _ file: PendingFile
    ) async throws(MMError) -> MMError {
        _ = try await over(pending, .failed, because: error.reason, file)
        var told = error.mmError(for: "Signing in to \(target.connection)", connection: target.connection)
        // The service doesn't say whom it refused.
        if told.code == .forbidden, let expected = target.expectedEmail {
            told.hint = [told.hint, "First check that it was \(expected) who signed in."].compactMap(\.self)
                .joined(separator: " ")
        }
        return told
    }

    /// Stores the outcome of a sign-in, because others may be waiting for the same code.
    private func over(
        _ pending: PendingSignIn, _ outcome: PendingSignIn.Outcome, because lapse: String? = nil, _ file: PendingFile
    ) async throws(MMError) -> PendingSignIn {
        var pending = pending
        pending.outcome = outcome
        pending.lapse = lapse
        pending.expiresAt = now.seconds + Self.rest
        try await file.write(pending)
        return pending
    }

    private func closed(_ pending: PendingSignIn) -> MMError {
        var details: JSONObject = ["connection": .string(target.connection)]
        details["outcome"] = pending.outcome.map { .string($0.rawValue) }
        let hint = "If that was a mistake, start a new sign-in: mm login \(ShellWord.quoted(target.connection))."
        return switch pending.outcome {
        case .declined:
            MMError(
                .forbidden,
                "The sign-in of \(target.connection) was declined"
                    + (target.expectedEmail.map { " by the person who was asked to sign in as \($0)." }
                        ?? " by the person who was asked."),
                hint: hint, details: details)
        case .expired, .failed, nil:
            MMError(
                .signInNeeded,
                pending.lapse.map { "The sign-in of \(target.connection) failed twice (\($0))." }
                    ?? "The sign-in of \(target.connection) was not approved: two codes in a row expired.",
                hint:
                    "Start a new one when a person can approve it: mm login \(ShellWord.quoted(target.connection)).",
                details: details)
        }
    }

    private func prompt(
        _ pending: PendingSignIn, _ resource: ServiceResource, trouble: String? = nil
    ) -> TokenAcquirer.Outcome {
        let wait = max(Timestamp(seconds: pending.nextPollAt) - now, .milliseconds(100))
        return .approval(pending.prompt(for: target, resource: resource, trouble: trouble), pause: wait)
    }

    /// Returns the first full second after a wait: the interval is a minimum, and files store whole seconds.
    private func moment(in wait: Int) -> Int64 {
        now.seconds + (now.nanoseconds > 0 ? 1 : 0) + Int64(wait)
    }

    private func plain(_ fault: EntraClient.Fault, _ what: String) -> MMError {
        switch fault {
        case .refused(let error): error.mmError(for: what, connection: target.connection)
        case .unreachable(let error): error.mmError(for: what)
        case .unexpected(let error): error
        }
    }
}

/// The file of a connection's pending sign-in for one resource.
struct PendingFile: Sendable {
    let path: String
    let identity: [String]
    /// The form in which the file is stored.
    var seal = TokenSeal.plain

    private var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Reads the pending sign-in. A file that can't be parsed counts as none; a new code replaces it and nothing is
    /// lost.
    /// - Throws: an error when the file is a link, belongs to another user, or can't be reached.
    func read() throws(MMError) -> PendingSignIn? {
        try content().flatMap { PendingSignIn($0, identity: identity) }
    }

    /// Returns the service whose sign-in this is, as the file itself names it; `nil` as for `read`.
    func resource() throws(MMError) -> ServiceResource? {
        try content().flatMap(PendingSignIn.resource(in:))
    }

    private func content() throws(MMError) -> [UInt8]? {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return nil }
        // A file that can't be decrypted is replaced by a new code as well.
        return try? seal.plain(bytes, name: name)
    }

    func write(_ pending: PendingSignIn) async throws(MMError) {
        let bytes: [UInt8]
        do {
            if seal.isOn { try await seal.prepare() }
            bytes = try seal.stored(pending.bytes, name: name)
        } catch {
            throw MMError(.invalidInput, "\(path) \(error.text).", hint: error.hint)
        }
        let path = path
        try await BlockingWork.run { () throws(MMError) in try ProtectedFile.replace(path, with: bytes) }
    }

    func remove() throws(MMError) {
        try ProtectedFile.remove(path)
    }
}

/// A sign-in that awaits a person's approval, as stored on disk, so that any process may continue it.
///
/// The file is the flow object of MSAL for Python (as returned by `initiate_device_flow`) with an additional member
/// `mm`, so that other programs that use these files and this one can continue each other's sign-ins. It contains the
/// device code, which is as good as a password while it is valid.
package struct PendingSignIn: Sendable {
    /// The outcome of a sign-in that can no longer be polled.
    enum Outcome: String, Sendable {
        /// The person declined.
        case declined
        /// The code expired, and so did the one that replaced it.
        case expired
        /// It was refused. Another code may be requested, and says why this one failed.
        case failed
    }

    var deviceCode: Secret
    var userCode: String
    var verificationURI: String
    var message: String
    /// When the code was requested, in seconds since 1970; 0 if another program requested it.
    var startedAt: Int64
    var expiresAt: Int64
    var interval: Int
    var nextPollAt: Int64
    var correlationID: String
    var scopes: [String]
    var claims: String?
    /// The number of codes that expired before this one.
    var restarts: Int
    /// The reason why the previous code, or, for a closed sign-in, this one was not accepted; `nil` if it expired or
    /// was declined.
    var lapse: String?
    /// Whether the sign-in was requested even though there may be valid tokens.
    var isRenewal: Bool
    /// The digest of the refresh token whose refusal made the sign-in necessary.
    var refused: String?
    /// The reason why the sign-in before it ended.
    var reason: String?
    var outcome: Outcome?
    /// The values that the sign-in belongs to: connection, app, sign-in service, tenant, resource.
    var identity: [String]

    /// Returns what to show a person.
    func prompt(for target: SignInTarget, resource: ServiceResource, trouble: String? = nil) -> SignInPrompt {
        SignInPrompt(
            connection: target.connection, resource: resource, userCode: userCode, verificationURI: verificationURI,
            message: message, account: target.expectedEmail, appID: target.clientID, tenant: target.authority.tenant,
            expiresAt: Timestamp(seconds: expiresAt),
            interval: .seconds(interval), lastError: trouble, reason: reason,
            note: note)
    }

    private var note: String? {
        if let lapse { return "The previous code failed (\(lapse))." }
        return restarts > 0 ? "The previous code expired before it was approved (AADSTS70020)." : nil
    }
}

extension PendingSignIn {
    /// The content of the file.
    var bytes: [UInt8] {
        var own: JSONObject = [
            "identity": .array(identity.map { .string($0) }), "scopes": .array(scopes.map { .string($0) }),
            "startedAt": .int(startedAt), "nextPollAt": .int(nextPollAt), "restarts": .int(Int64(restarts)),
        ]
        if let claims { own["claims"] = .string(claims) }
        if let lapse { own["lapse"] = .string(lapse) }
        if isRenewal { own["renewal"] = true }
        if let refused { own["refused"] = .string(refused) }
        if let reason { own["reason"] = .string(reason) }
        if let outcome { own["outcome"] = .string(outcome.rawValue) }
        var flow: JSONObject = [
            "user_code": .string(userCode), "verification_uri": .string(verificationURI), "message": .string(message),
            "interval": .int(Int64(interval)), "expires_at": .int(expiresAt), "_correlation_id": .string(correlationID),
            "mm": .object(own),
        ]
        // Once the sign-in is over, the code would only be useful to a thief.
        if outcome == nil { flow["device_code"] = .string(deviceCode.reveal()) }
        return JSONWriter.bytes(.object(flow), layout: .indented(2)) + [0x0A]
    }

    /// Parses the content of a file.
    /// - Parameter identity: what the sign-in must belong to. A file without the `mm` member, written by another
    ///   program, is assumed to belong to it.
    /// - Returns: `nil` when it isn't a pending sign-in or belongs to something else.
    init?(_ bytes: [UInt8], identity: [String]) {
        guard let flow = Self.flow(bytes), let userCode = flow["user_code"]?.string,
            let expiresAt = flow["expires_at"]?.double, expiresAt.isFinite,
            abs(expiresAt) < 1e12
        else { return nil }
        let own = flow["mm"]?.object
        let owner = own?["identity"]?.array?.compactMap(\.string) ?? identity
        let outcome = own?["outcome"]?.string.flatMap(Outcome.init(rawValue:))
        let deviceCode = flow["device_code"]?.string ?? ""
        guard owner == identity, outcome != nil || !deviceCode.isEmpty else { return nil }
        self.deviceCode = Secret(deviceCode)
        self.userCode = userCode
        self.verificationURI = flow["verification_uri"]?.string ?? flow["verification_url"]?.string ?? ""
        self.message = flow["message"]?.string ?? ""
        self.startedAt = own?["startedAt"]?.int.map(Int64.init) ?? 0
        self.expiresAt = Int64(expiresAt)
        self.interval = min(max(flow["interval"]?.int ?? 5, 1), 300)
        self.nextPollAt = own?["nextPollAt"]?.int.map(Int64.init) ?? 0
        self.correlationID = flow["_correlation_id"]?.string ?? RandomBytes.uuid()
        self.scopes = own?["scopes"]?.array?.compactMap(\.string) ?? []
        self.claims = own?["claims"]?.string
        self.restarts = own?["restarts"]?.int ?? 0
        self.lapse = own?["lapse"]?.string
        self.isRenewal = own?["renewal"]?.bool ?? false
        self.refused = own?["refused"]?.string
        self.reason = own?["reason"]?.string
        self.outcome = outcome
        self.identity = owner
    }

    /// Returns the service that the content of a file names.
    static func resource(in bytes: [UInt8]) -> ServiceResource? {
        flow(bytes)?["mm"]?["identity"]?.array?.last?.string.flatMap { ServiceResource(name: $0) }
    }

    private static func flow(_ bytes: [UInt8]) -> JSONObject? {
        (try? JSONParser.parse(bytes, limits: JSONLimits(bytes: 1 << 20, depth: 16)))?.object
    }
}

/// The scopes that a sign-in and a refresh request: `.default` of one resource, that is, everything the app was granted
/// there.
///
/// A fixed list of Graph permissions would make everyone consent to writing mail and files, even for an app that was
/// registered to read users, and fails (AADSTS65001, 90094) in tenants where only administrators consent. With
/// `.default` the registration decides, and permissions that a person granted earlier still apply. The two can't be
/// mixed in one request (AADSTS70011), and each request is for one resource (AADSTS700022).
enum SignInScopes {
    /// The scopes of every request: for an id_token, a name in it, and a refresh token. MSAL sends the same three.
    static let always = ["offline_access", "openid", "profile"]

    /// Returns the scopes of a sign-in or refresh for a resource.
    static func asking(_ cloud: Cloud, _ resource: ServiceResource) -> [String] {
        (cloud.defaultScope(of: resource).map { [$0] } ?? []) + always
    }
}
