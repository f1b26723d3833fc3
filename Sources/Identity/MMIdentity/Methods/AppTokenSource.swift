internal import MMCore

/// Obtains new tokens for an app that signs in by itself.
protocol AppTokenSource: Sendable {
    /// Requests a new token.
    func token(
        _ target: SignInTarget, _ resource: ServiceResource, claims: String?, deadline: Deadline
    ) async throws(MMError) -> TokenAnswer
}
