import MMCore
package import MMSessions
import MMSystem

/// The background jobs of this process: calls and shell commands whose callers got a handle.
package final class OperationJobs: Sendable {
    /// The table of all jobs.
    package let table = WorkTable()
    private let life = Mutex(Life.call)

    /// The lifetime of this process, and so of its jobs.
    package enum Life: Sendable {
        /// One call: a command in a terminal.
        case call
        /// As long as its client: a server that the client started.
        case client
        /// Independent of any client.
        case lasting
    }

    /// Creates an empty table of jobs.
    package init() {}

    /// Whether this process goes on after the call. The process of a command in a terminal doesn't.
    package var outlivesCalls: Bool { life.withLock { $0 } != .call }

    /// Whether the jobs end when the client ends this process.
    package var endWithClient: Bool { life.withLock { $0 } == .client }

    /// Sets that this process goes on after its calls. Only the first setting counts.
    package func setLifetime(_ life: Life = .lasting) {
        self.life.withLock { if $0 == .call { $0 = life } }
    }

    /// Returns the owner of a caller's jobs: its principal, which may come back as another process, otherwise its
    /// session.
    package static func owner(of context: CallContext) -> String {
        guard context.caller.surface != .terminal else { return "terminal" }
        let name = context.jobOwner.map { "principal:" + $0 } ?? context.sessionID ?? ""
        return [context.caller.surface.rawValue, context.caller.server ?? "", name].joined(separator: "/")
    }

    /// Returns the owners whose jobs a caller may read and end: itself and its shells; `nil` for all, as for the user's
    /// own terminal.
    package static func reachableOwners(of context: CallContext) -> Set<String>? {
        context.caller.surface == .terminal ? nil : [owner(of: context), context.shellOwner]
    }
}
