/// A device code that waits for a person, or was answered and waits for its app.
struct OpenSignIn: Sendable {
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

    /// Makes the code as old as codes get.
    mutating func endNow(_ now: Int64) {
        self = OpenSignIn(
            userCode: userCode, appID: appID, scope: scope, expires: now, interval: interval, lastPoll: lastPoll,
            decision: decision)
    }
}
