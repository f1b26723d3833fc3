import MMCore

/// What the first answer of a session's PowerShell says besides: what its caller would else take for granted.
final class SessionNotices: Sendable {
    private let isTold = Mutex(false)

    /// What is to be said; nothing the second time.
    func take(isWired: Bool) -> [String] {
        let isFirst = isTold.withLock { isTold in
            defer { isTold = true }
            return !isTold
        }
        guard isFirst, !isWired else { return [] }
        return [
            "This session reaches the network by itself (\"egress\": \"off\"): what its scripts send is not judged, "
                + "and it holds its tokens."
        ]
    }
}
