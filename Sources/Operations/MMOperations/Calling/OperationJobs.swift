import MMCore
package import MMSessions
import MMSystem

/// What goes on in this process after its callers were let go: calls, and commands of shells.
package final class OperationJobs: Sendable {
    /// All of it.
    package let table: WorkTable
    private let life = Mutex(Life.call)

    /// How long this process lives, and with it what goes on in it.
    package enum Life: Sendable {
        /// As long as one call: a terminal's own process.
        case call
        /// As long as its client wants it: a server that the client started.
        case client
        /// On its own.
        case lasting
    }

    /// No jobs yet.
    package init(limits: WorkTable.Limits = .init()) {
        table = WorkTable(limits: limits)
    }

    /// Whether this process goes on after the call: a terminal's own process ends with it.
    package var outlivesCalls: Bool { life.withLock { $0 } != .call }

    /// Whether what goes on here ends when the client ends this process.
    package var endWithClient: Bool { life.withLock { $0 } == .client }

    /// Says that this process goes on after its calls. The first word counts.
    package func setLifetime(_ life: Life = .lasting) {
        self.life.withLock { if $0 == .call { $0 = life } }
    }

    /// Whose the jobs of a caller are: its principal's, who may come back as another process, else its session's.
    package static func owner(of context: CallContext) -> String {
        guard context.caller.surface != .terminal else { return "terminal" }
        let name = context.jobOwner.map { "principal:" + $0 } ?? context.sessionID ?? ""
        return [context.caller.surface.rawValue, context.caller.server ?? "", name].joined(separator: "/")
    }

    /// Whose jobs a caller may read and end: its own and its shells'; `nil`: everybody's. The user's own terminal sees all
    /// that are this user's.
    package static func reachableOwners(of context: CallContext) -> Set<String>? {
        context.caller.surface == .terminal ? nil : [owner(of: context), context.shellOwner]
    }
}
