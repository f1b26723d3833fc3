import MMCore
import MMSessions

/// The session manager's record of one `tenant:module`.
struct TenantRecord: Sendable {
    /// The tenant as callers write it.
    let tenant: String
    /// The module.
    let module: String
    /// Its session in the pool.
    var key: SessionKey
    /// The number of the account.
    var account: String
    /// The first label of the SharePoint host, for the module that signs in there.
    var sharePointHost: String?
    /// The conversation that asked first.
    var conversation: String?
    let createdAt: Timestamp
    var pendingSince: Timestamp?
    var completedAt: Timestamp?
    var lastUsed: Timestamp
    var lastCheck: Timestamp?
    /// Whether a sign-in has just completed, which is reported once.
    var wasPending = false

    /// The same times on a monotonic clock.
    var pendingFrom: Duration?
    var usedAt: Duration
    /// The start times of running commands.
    var running: [Int: Duration] = [:]

    /// Returns why the session should be ended; `nil` if it shouldn't.
    func fault(_ state: SessionState?, _ settings: TenantSettings, now: Duration) -> String? {
        if let pendingFrom, now - pendingFrom > settings.pendingLimit {
            return
                "auth_pending for \(Self.seconds(now - pendingFrom))s (limit: \(Self.seconds(settings.pendingLimit))s)"
        }
        if case .lost? = state { return "process died unexpectedly" }
        if let oldest = running.values.min() {
            let over = now - oldest - settings.commandLimit
            guard over > settings.stuckLimit else { return nil }
            return "no answer for \(Self.seconds(over))s (limit: \(Self.seconds(settings.stuckLimit))s)"
        }
        if case .ready? = state, now - usedAt > settings.idleLimit {
            return "idle for \(Self.seconds(now - usedAt))s (limit: \(Self.seconds(settings.idleLimit))s)"
        }
        return nil
    }

    private static func seconds(_ time: Duration) -> Int64 { time.components.seconds }
}
