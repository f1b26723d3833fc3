import MMCore
import MMSessions

/// Tells a caller what the session that it waits for is doing: it starts, signs in, or works for somebody else.
struct LeaseProgress: Sendable {
    private let key: SessionKey
    private let sessions: SessionPool<ModuleSessionFactory>
    private static let interval = Duration.milliseconds(250)

    /// The progress of a session's lease.
    init(of key: SessionKey, in sessions: SessionPool<ModuleSessionFactory>) {
        self.key = key
        self.sessions = sessions
    }

    /// Reports each change from now on, until the task that is returned is cancelled.
    func begin(_ report: @escaping @Sendable (ProgressReport) -> Void) -> Task<Void, Never> {
        Task {
            var told: String?
            repeat {
                let words = Self.words(for: await sessions.state(of: key), of: key)
                guard !Task.isCancelled else { return }
                if words != told { report(ProgressReport(done: 0, message: words)) }
                told = words
            } while (try? await Task.sleep(for: Self.interval)) != nil
        }
    }

    /// What a session in this state does for those who wait.
    static func words(for state: SessionState?, of key: SessionKey) -> String {
        switch state {
        case nil, .starting, .failed, .lost, .stopped: "starting \(key)"
        case .signingIn: "signing in to \(key)"
        case .ready, .busy: "waiting for \(key)"
        }
    }
}
