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
    let session: SignInSession
    var isRedeemed = false
}
