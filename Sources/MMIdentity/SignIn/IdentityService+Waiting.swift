package import MMCore

extension IdentityService {
    /// Does work that needs a sign-in, and where one is missing waits for a person and does it again.
    /// - Parameters:
    ///   - connection: who signs in.
    ///   - resource: what the work asks.
    ///   - deadline: when to give up waiting.
    ///   - show: gets each code once.
    ///   - work: throws `.signInNeeded` where somebody has to sign in first.
    /// - Throws: what the work throws, and as `signIn`.
    package nonisolated func waitingForSignIn<Answer: Sendable>(
        to connection: Connection, resource: ServiceResource, deadline: Deadline = .never,
        show: @Sendable (SignInPrompt) async -> Void, _ work: () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        // The cache may hold a token that has not expired and that the service refuses: it counts for the first wait alone.
        for renewing in [false, true] {
            do throws(MMError) {
                return try await work()
            } catch {
                guard error.code == .signInNeeded else { throw error }
                _ = try await signIn(connection, resource: resource, renewing: renewing, deadline: deadline, show: show)
            }
        }
        return try await work()
    }
}
