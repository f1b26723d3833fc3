internal import MMCore

/// Where the tokens of an app come from that signs in by itself.
protocol AppTokenSource: Sendable {
    /// A new token.
    func token(
        _ target: SignInTarget, _ resource: ServiceResource, claims: String?, deadline: Deadline
    ) async throws(AppTokenFault) -> TokenAnswer
}

/// Why an app got no token.
struct AppTokenFault: Error, Sendable {
    /// As an operation answers it.
    let error: MMError
    /// Whether a token that is still good does instead.
    var isPassing = false
}
