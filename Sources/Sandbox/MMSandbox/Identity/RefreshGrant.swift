/// What a refresh token stands for.
struct RefreshGrant: Sendable {
    let appID: String
    let userID: String
    let issued: Int64
    /// Tokens of one sign-in end together.
    let family: Int
    let serial: Int
    /// What its person showed when they signed in.
    let session: SignInSession
}
