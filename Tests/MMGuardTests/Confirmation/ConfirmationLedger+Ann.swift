import MMGuard

/// What one person, Ann, does with requests.
extension ConfirmationLedger {
    func request(_ request: ConfirmationRequest) async throws -> PendingConfirmation {
        try await enter(request).entry
    }

    func approve(_ token: String, digest: String) async throws {
        _ = try await approve(token, digest: digest, by: Approver(person: "Ann", means: "terminal"))
    }

    /// Whether people have said yes to exactly this request; uses the yes up.
    func confirms(_ request: ConfirmationRequest) async throws -> Bool {
        if case .approved? = try await outcome(of: request) { true } else { false }
    }
}
