public import MMCore
import MMGuard

/// What a running operation knows of its call.
public struct OperationContext: Sendable {
    /// Who asks, for how long, and who can be asked back.
    public let call: CallContext
    /// When the call must have ended.
    public let deadline: Deadline
    /// What the audit line will say.
    package let record: CallRecord
}

extension ConnectionRegistry {
    /// The connection that a call names, as far as its caller may use it.
    /// - Throws: `notFound` with the known names, nearest first.
    package func connection(named name: String, in context: OperationContext) throws(MMError) -> Connection {
        let connection = try snapshot().connection(named: name, for: context.call.caller.server)
        context.record.note("connection", .string(connection.name))
        if let actor = connection.actor { context.record.note("actor", .string(actor)) }
        return connection
    }
}
