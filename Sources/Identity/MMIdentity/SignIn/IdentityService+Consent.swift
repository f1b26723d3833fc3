package import MMCore

extension IdentityService {
    /// Returns the error of a connection's app that lacks consent for a service, with what it needs and how it gets it.
    package typealias ConsentExplanation = @Sendable (MMError, ServiceResource, Connection) -> MMError

    /// Has errors of missing consent explained.
    package nonisolated func explainConsent(by explanation: @escaping ConsentExplanation) {
        consentAdvice.withLock { $0 = explanation }
    }

    func acquire(
        _ connection: Connection, _ resource: ServiceResource, _ options: TokenOptions, _ deadline: Deadline,
        by given: SignInMethod? = nil
    ) async throws(MMError) -> TokenAcquirer.Outcome {
        do throws(MMError) {
            return try await acquired(connection, resource, options, deadline, by: given)
        } catch {
            guard error.details["action"]?.string == EntraAction.adminConsent.rawValue,
                let explain = consentAdvice.withLock({ $0 })
            else { throw error }
            throw explain(error, resource, connection)
        }
    }
}
