import MMCore
package import MMPool
import MMSystem

/// The calls of this process that go on after their callers were let go.
package final class OperationJobs: Sendable {
    /// The jobs.
    package let board: JobBoard<KeptAnswer>
    private let lasts = Mutex(false)

    /// No jobs yet.
    package init(limits: JobBoard<KeptAnswer>.Limits = .init()) {
        board = JobBoard(limits: limits)
    }

    /// Whether this process goes on after the call: a terminal's own process ends with it.
    package var outlivesCalls: Bool { lasts.withLock { $0 } }

    /// Says that this process goes on after its calls.
    package func keepsRunning() { lasts.withLock { $0 = true } }

    /// Whose the jobs of a caller are.
    package static func owner(of context: CallContext) -> String {
        guard context.caller.surface != .terminal else { return "terminal" }
        return [context.caller.surface.rawValue, context.caller.server ?? "", context.sessionID ?? ""]
            .joined(separator: "/")
    }

    /// Whose jobs a caller may read and end; `nil`: everybody's. The user's own terminal sees all that are this user's.
    package static func reach(of context: CallContext) -> String? {
        context.caller.surface == .terminal ? nil : owner(of: context)
    }
}
