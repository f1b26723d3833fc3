internal import MMCore

/// Obtains new tokens for an app that signs in by itself.
protocol AppTokenSource: Sendable {
    /// Requests a new token.
    func token(
        _ target: SignInTarget, _ resource: ServiceResource, claims: String?, deadline: Deadline
    ) async throws(AppTokenFault) -> TokenAnswer
}

/// Why an app got no token.
struct AppTokenFault: Error, Sendable {
    /// The error to report from an operation.
    let error: MMError
    /// Whether the fault is temporary, so that a token that is still valid may be used instead.
    var isPassing = false
}
