package import MMCore

extension IdentityService {
    /// Performs work that needs a sign-in; if one is missing, waits for a person to sign in and tries again.
    /// - Parameters:
    ///   - connection: the connection that signs in.
    ///   - resource: the service that the work uses.
    ///   - deadline: when to give up waiting.
    ///   - show: called with each code, and again as `signIn(to:)` does.
    ///   - work: the work; it throws `.signInNeeded` when someone has to sign in first.
    /// - Throws: what the work throws, and as `signIn`.
    package nonisolated func waitingForSignIn<Answer: Sendable>(
        to connection: Connection, resource: ServiceResource, deadline: Deadline = .never,
        show: @Sendable (SignInPrompt) async -> Void, _ work: () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        // The cache may hold an unexpired token that the service refuses; it is accepted only for the first wait.
        for renewing in [false, true] {
            do throws(MMError) {
                return try await work()
            } catch {
                guard error.code == .signInNeeded else { throw error }
                _ = try await signIn(
                    to: connection, resource: resource, renewing: renewing, deadline: deadline, telling: show)
            }
        }
        return try await work()
    }
}
