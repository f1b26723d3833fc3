/// A device code that waits for a person, or was answered and waits for its app.
struct PendingSignIn: Sendable {
    /// What the person said.
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
}

/// A code of the browser flow, on its way from the address line to the token endpoint.
struct AuthorizationCode: Sendable {
    let appID: String
    let scope: String
    let redirectURI: String
    let userID: String
    let nonce: String?
    let challenge: String?
    let challengeMethod: String
    let expires: Int64
    var isRedeemed = false
}

/// What a refresh token stands for.
struct RefreshGrant: Sendable {
    let appID: String
    let userID: String
    let issued: Int64
    /// Tokens of one sign-in end together.
    let family: Int
    let serial: Int
}

/// Everything the sign-in endpoints remember.
struct SignInLedger: Sendable {
    /// By device code.
    var pending: [String: PendingSignIn] = [:]
    /// By authorization code.
    var codes: [String: AuthorizationCode] = [:]
    /// By refresh token.
    var grants: [String: RefreshGrant] = [:]
    /// Refresh tokens that were used up, to tell a reused one from an unknown one.
    var spent: Set<String> = []
    /// Tokens of a user with a lower number are revoked.
    var revokedBefore: [String: Int] = [:]
    var serial = 0

    mutating func nextSerial() -> Int {
        serial += 1
        return serial
    }

    /// Forgets what has run out, so that a long-lived sandbox does not grow.
    mutating func prune(now: Int64) {
        if pending.count > 64 { pending = pending.filter { $0.value.expires + 3600 > now } }
        if codes.count > 64 { codes = codes.filter { $0.value.expires + 3600 > now } }
        if spent.count > 10_000 { spent = [] }
        if grants.count > 20_000 {
            let cut = serial - 10_000
            grants = grants.filter { $0.value.serial > cut }
        }
    }
}
