internal import MMCore

/// The device code flow (RFC 8628): the codes that wait for a person, or for their app after the person's decision.
final class DeviceCodes {
    private let context: TenantContext
    private let apps: TenantApps
    private let issuer: TokenIssuer
    /// The pending sign-ins, by device code.
    private var pending: [String: OpenSignIn] = [:]

    init(context: TenantContext, apps: TenantApps, issuer: TokenIssuer) {
        self.context = context
        self.apps = apps
        self.issuer = issuer
    }

    /// The codes without a decision yet.
    var open: [OpenSignIn] {
        pending.values.filter { $0.decision == .open && $0.expires > context.now }.sorted { $0.expires < $1.expires }
    }

    /// Records a person's decision.
    func decide(_ deviceCode: String, _ decision: OpenSignIn.Decision) { pending[deviceCode]?.decision = decision }

    /// Makes a code expire.
    func end(_ deviceCode: String) { pending[deviceCode]?.endNow(context.now) }

    /// Returns whether a code was approved and not redeemed yet.
    func isApproved(_ deviceCode: String) -> Bool {
        if case .approved = pending[deviceCode]?.decision { true } else { false }
    }

    /// Answers a request for a code.
    func start(_ form: PostedForm) throws(TokenFault) -> JSONObject {
        let app = try apps.named(in: form)
        guard app.isPublicClient else { throw .credentialMissing }
        let scope = form["scope"] ?? ""
        _ = try ScopeRequest(parsing: scope, app: app, base: context.base)
        // Removes expired codes, so that a long-lived sandbox doesn't grow.
        if pending.count > 64 { pending = pending.filter { $0.value.expires + 3600 > context.now } }
        let userCode = freshUserCode()
        let deviceCode = "DAQABSANDBOX-\(RandomBytes.text(bytes: 32))"
        pending[deviceCode] = OpenSignIn(
            userCode: userCode, appID: app.id, scope: scope, expires: context.now + context.options.deviceCodeLifetime,
            interval: context.options.pollInterval, lastPoll: nil, decision: .open)
        let address = "\(context.base)/devicelogin"
        return [
            "user_code": .string(userCode),
            "device_code": .string(deviceCode),
            "verification_uri": .string(address),
            "expires_in": .int(context.options.deviceCodeLifetime),
            "interval": .int(context.options.pollInterval),
            "message": .string(
                "To sign in, use a web browser to open the page \(address) and enter the code \(userCode) to authenticate."
            ),
        ]
    }

    /// Returns nine letters and digits, without those that people confuse.
    private func freshUserCode() -> String {
        let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        while true {
            let code = String((0..<9).map { _ in letters[Int.random(in: 0..<letters.count)] })
            if !pending.values.contains(where: { $0.userCode == code }) { return code }
        }
    }

    /// Finds the device code for a code that a person entered, ignoring spaces, dashes and case.
    func find(userCode: String) -> (deviceCode: String, pending: OpenSignIn)? {
        let wanted = userCode.uppercased().filter { $0.isLetter || $0.isNumber }
        return pending.first { $0.value.userCode == wanted }.map { ($0.key, $0.value) }
    }

    func redeem(_ form: PostedForm, app: RegisteredApp) throws(TokenFault) -> JSONObject {
        guard let code = form["device_code"] ?? form["code"], !code.isEmpty else { throw .missing("device_code") }
        guard var found = pending[code], found.appID == app.id else {
            throw TokenFault(
                "bad_verification_code", 70_018, "Invalid verification code: the device code is not known.")
        }
        guard context.now < found.expires else {
            throw TokenFault(
                "expired_token", 70_020,
                "The provided value for the input parameter 'device_code' is not valid. This device code has expired.")
        }
        switch found.decision {
        case .redeemed:
            throw TokenFault(
                "invalid_grant", 54_005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code.")
        case .declined:
            throw KnownTokenFaults.fault(70_018)
        case .open:
            let early = found.lastPoll.map { context.now - $0 < found.interval } ?? false
            found.lastPoll = context.now
            if early { found.interval += 5 }
            pending[code] = found
            guard !early else { throw TokenFault("slow_down", 0, "Polling too fast.") }
            throw KnownTokenFaults.fault(70_016)
        case .approved(let userID):
            let scope = try ScopeRequest(parsing: found.scope, app: app, base: context.base)
            found.decision = .redeemed
            pending[code] = found
            let session = try issuer.begin(userID, app: app, by: .device)
            return try issuer.tokens(for: userID, app: app, scope: scope, form: form, session: session)
        }
    }
}

/// A device code that waits for a person, or for its app after the person's decision.
struct OpenSignIn: Sendable {
    /// The person's decision.
    enum Decision: Sendable, Hashable {
        case open
        case approved(userID: String)
        case declined
        case redeemed
    }

    let userCode: String
    let appID: String
    let scope: String
    let expires: Int64
    var interval: Int64
    var lastPoll: Int64?
    var decision: Decision

    /// Makes the code expire now.
    mutating func endNow(_ now: Int64) {
        self = OpenSignIn(
            userCode: userCode, appID: appID, scope: scope, expires: now, interval: interval, lastPoll: lastPoll,
            decision: decision)
    }
}
