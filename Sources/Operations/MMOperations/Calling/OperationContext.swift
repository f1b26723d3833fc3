public import MMCore
import MMGuard

/// What a running operation knows of its call.
public struct OperationContext: Sendable {
    /// What all copies share: each step of an operation holds a copy.
    private final class Parts: Sendable {
        let call: CallContext
        let deadline: Deadline
        let record: CallRecord

        init(_ call: CallContext, _ deadline: Deadline, _ record: CallRecord) {
            self.call = call
            self.deadline = deadline
            self.record = record
        }
    }

    private let parts: Parts

    init(call: CallContext, deadline: Deadline, record: CallRecord) { parts = Parts(call, deadline, record) }

    /// The same call of a caller who may only read.
    package var reading: OperationContext {
        var call = call
        call.readsOnly = true
        return OperationContext(call: call, deadline: deadline, record: record)
    }

    /// Who asks, for how long, and who can be asked back.
    public var call: CallContext { parts.call }
    /// When the call must have ended.
    public var deadline: Deadline { parts.deadline }
    /// What the audit line will say.
    package var record: CallRecord { parts.record }
}

extension ConnectionRegistry {
    /// The connection that a call names, as far as its caller may use it.
    /// - Throws: `notFound` with the known names, nearest first.
    package func connection(named name: String, in context: OperationContext) throws(MMError) -> Connection {
        let connection = try snapshot().connection(named: name, for: context.call.caller.server)
        context.record.note(connection)
        return connection
    }
}
