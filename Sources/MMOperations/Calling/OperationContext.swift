public import MMCore

/// What a running operation knows of its call, and works with.
public struct OperationContext: Sendable {
    /// Who asks, for how long, and who can be asked back.
    public let call: CallContext
    /// What operations work with.
    public let services: OperationServices
    /// When the call must have ended.
    public let deadline: Deadline
    /// What the audit line will say.
    package let record: CallRecord

    /// The connection of a name, as far as the caller may use it.
    /// - Throws: `notFound` with the known names, nearest first.
    package func connection(named name: String) throws(MMError) -> Connection {
        let connection = try services.registry.snapshot().connection(named: name, for: call.caller.server)
        record.note("connection", .string(connection.name))
        return connection
    }
}
