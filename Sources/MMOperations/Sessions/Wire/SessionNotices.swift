import MMCore

/// What the first answer of a session's PowerShell adds: limits that its caller would otherwise not expect.
final class SessionNotices: Sendable {
    private let isTold = Mutex(false)

    /// What is to be said of what keeps the session; nothing the second time.
    func take(_ walls: SessionWalls) -> [String] {
        let isFirst = isTold.withLock { isTold in
            defer { isTold = true }
            return !isTold
        }
        return isFirst ? [walls.notice].compactMap(\.self) : []
    }
}
