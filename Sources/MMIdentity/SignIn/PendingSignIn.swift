internal import MMCore

/// A sign-in that a person has yet to approve, as it lies on disk: any process may go on with it.
///
/// The file is the flow object of MSAL for Python (what `initiate_device_flow` returns) with a member `mm` of our own, so
/// that programs with the same files can go on with our codes and we with theirs. It holds the device code: as good as a password
/// while it lives.
package struct PendingSignIn: Sendable {
    /// What became of it, where it can't be asked about any more.
    enum Outcome: String, Sendable {
        /// The person said no.
        case declined
        /// The code ran out, and so did the one that replaced it.
        case expired
    }

    var deviceCode: Secret
    var userCode: String
    var verificationURI: String
    var message: String
    var expiresAt: Int64
    var interval: Int
    var nextPollAt: Int64
    var correlationID: String
    var scopes: [String]
    var claims: String?
    /// How many codes ran out before this one.
    var restarts: Int
    /// Whether somebody asked for it although there may be good tokens.
    var isRenewal: Bool
    /// The digest of the refresh token whose refusal made it necessary.
    var refused: String?
    var outcome: Outcome?
    /// Whose it is: connection, app, sign-in service, tenant, resource.
    var identity: [String]

    /// What a person sees of it.
    func prompt(for target: SignInTarget, resource: ServiceResource, trouble: String? = nil) -> SignInPrompt {
        SignInPrompt(
            connection: target.connection, resource: resource, userCode: userCode, verificationURI: verificationURI,
            message: message, account: target.expectedEmail, appID: target.clientID, tenant: target.authority.tenant,
            expiresAt: Timestamp(seconds: expiresAt),
            interval: .seconds(interval), trouble: trouble)
    }
}

extension PendingSignIn {
    /// The file's bytes.
    var bytes: [UInt8] {
        var own: JSONObject = [
            "identity": .array(identity.map { .string($0) }), "scopes": .array(scopes.map { .string($0) }),
            "nextPollAt": .int(nextPollAt), "restarts": .int(Int64(restarts)),
        ]
        if let claims { own["claims"] = .string(claims) }
        if isRenewal { own["renewal"] = true }
        if let refused { own["refused"] = .string(refused) }
        if let outcome { own["outcome"] = .string(outcome.rawValue) }
        var flow: JSONObject = [
            "user_code": .string(userCode), "verification_uri": .string(verificationURI), "message": .string(message),
            "interval": .int(Int64(interval)), "expires_at": .int(expiresAt), "_correlation_id": .string(correlationID),
            "mm": .object(own),
        ]
        // A code that is over is no use to anybody but a thief.
        if outcome == nil { flow["device_code"] = .string(deviceCode.reveal()) }
        return JSONWriter.bytes(.object(flow), layout: .indented(2)) + [0x0A]
    }

    /// The sign-in in a file's bytes.
    /// - Parameter identity: whose it should be; a file without our own member, which another program wrote, is taken to be that.
    /// - Returns: `nil` when it is none, or somebody else's.
    init?(_ bytes: [UInt8], identity: [String]) {
        guard let flow = (try? JSONParser.parse(bytes, limits: JSONLimits(bytes: 1 << 20, depth: 16)))?.object,
            let userCode = flow["user_code"]?.string, let expiresAt = flow["expires_at"]?.double, expiresAt.isFinite,
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
        self.expiresAt = Int64(expiresAt)
        self.interval = min(max(flow["interval"]?.int ?? 5, 1), 300)
        self.nextPollAt = own?["nextPollAt"]?.int.map(Int64.init) ?? 0
        self.correlationID = flow["_correlation_id"]?.string ?? RandomBytes.uuid()
        self.scopes = own?["scopes"]?.array?.compactMap(\.string) ?? []
        self.claims = own?["claims"]?.string
        self.restarts = own?["restarts"]?.int ?? 0
        self.isRenewal = own?["renewal"]?.bool ?? false
        self.refused = own?["refused"]?.string
        self.outcome = outcome
        self.identity = owner
    }
}
