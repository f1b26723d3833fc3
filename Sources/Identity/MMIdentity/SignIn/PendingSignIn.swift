internal import MMCore

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
    /// The number of codes that expired before this one.
    var restarts: Int
    /// Whether the sign-in was requested even though there may be valid tokens.
    var isRenewal: Bool
    /// The digest of the refresh token whose refusal made the sign-in necessary.
    var refused: String?
    /// Why the sign-in before it ended.
    var reason: String?
    var outcome: Outcome?
    /// What the sign-in belongs to: connection, app, sign-in service, tenant, resource.
    var identity: [String]

    /// Returns what to show a person.
    func prompt(for target: SignInTarget, resource: ServiceResource, trouble: String? = nil) -> SignInPrompt {
        SignInPrompt(
            connection: target.connection, resource: resource, userCode: userCode, verificationURI: verificationURI,
            message: message, account: target.expectedEmail, appID: target.clientID, tenant: target.authority.tenant,
            expiresAt: Timestamp(seconds: expiresAt),
            interval: .seconds(interval), lastError: trouble, reason: reason)
    }
}

extension PendingSignIn {
    /// The content of the file.
    var bytes: [UInt8] {
        var own: JSONObject = [
            "identity": .array(identity.map { .string($0) }), "scopes": .array(scopes.map { .string($0) }),
            "nextPollAt": .int(nextPollAt), "restarts": .int(Int64(restarts)),
        ]
        if let claims { own["claims"] = .string(claims) }
        if isRenewal { own["renewal"] = true }
        if let refused { own["refused"] = .string(refused) }
        if let reason { own["reason"] = .string(reason) }
        if let outcome { own["outcome"] = .string(outcome.rawValue) }
        var flow: JSONObject = [
            "user_code": .string(userCode), "verification_uri": .string(verificationURI), "message": .string(message),
            "interval": .int(Int64(interval)), "expires_at": .int(expiresAt), "_correlation_id": .string(correlationID),
            "mm": .object(own),
        ]
        // Once the sign-in is over, the code would be of use only to a thief.
        if outcome == nil { flow["device_code"] = .string(deviceCode.reveal()) }
        return JSONWriter.bytes(.object(flow), layout: .indented(2)) + [0x0A]
    }

    /// Parses the content of a file.
    /// - Parameter identity: what the sign-in must belong to. A file without the `mm` member, written by another
    ///   program, is assumed to belong to it.
    /// - Returns: `nil` when it isn't a pending sign-in or belongs to something else.
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
        self.reason = own?["reason"]?.string
        self.outcome = outcome
        self.identity = owner
    }
}
