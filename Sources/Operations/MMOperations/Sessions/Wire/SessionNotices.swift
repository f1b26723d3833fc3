import MMCore
import MMIdentity

/// What the first answer of a session's PowerShell adds: limits that its caller would otherwise not expect.
final class SessionNotices: Sendable {
    private let isTold = Mutex(false)

    /// What is to be said of what keeps the session, and of how it was signed in; nothing the second time.
    func take(_ walls: SessionWalls, _ bearer: SessionBearer) -> [String] {
        let isFirst = isTold.withLock { isTold in
            defer { isTold = true }
            return !isTold
        }
        guard isFirst else { return [] }
        let consents = bearer.consentMissing.sorted { $0.key.name < $1.key.name }.map { resource, error in
            "Signed in with the module's own app: \(ConsentAdvice.text(error, resource, of: bearer.connection.name))"
        }
        return [walls.notice].compactMap(\.self) + consents
    }
}
