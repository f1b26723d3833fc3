package import MMCore

/// The leases of connections where several processes carry out calls for the same ones: only the holder of a connection's
/// lease works with it.
package protocol ConnectionLeases: Sendable {
    /// Carries out work of a connection under its lease.
    /// - Parameters:
    ///   - connection: the connection's name.
    ///   - isReading: whether the work can change nothing.
    ///   - work: the work; it is cancelled when the lease ends.
    /// - Throws: what the work throws; `unavailable` with the detail `lease` where another node holds the lease (`elsewhere`)
    ///   or it ended while the work went on (`over`).
    func holding(
        _ connection: String, isReading: Bool,
        _ work: @escaping @Sendable () async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer

    /// Carries out the call to one connection of several: here under its lease, or by the node that holds it.
    /// - Throws: as the call.
    func answer(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext, of connection: String,
        by local: LocalOperationService
    ) async throws(MMError) -> OperationAnswer

    /// What there is to count.
    func families() async -> [MetricFamily]
}

extension OperationServices {
    /// The connection whose lease a call needs, where it works with one: not for what only shows or changes this machine's own
    /// files.
    package func leased(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) -> String? {
        let called = operation.call(arguments)
        let declaration = called.operation.declaration
        let isLocal = declaration.command.first.map { ["connections", "guard", "audit", "pool"].contains($0) } ?? false
        guard declaration.toolset == .m365, !isLocal, declaration.effects.openWorld || declaration.home == .pool,
            let name = called.arguments["connection"]?.string
        else { return nil }
        // One that is not known, or several, is for the operation to say or take apart.
        return try? registry.snapshot().connection(named: name, for: context.caller.server).name
    }
}

extension OperationServices {
    /// The arguments of a call that takes changes of one connection back, with the connection's name: so it is known whose lease the
    /// call needs. Others are as they were.
    package func naming(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async -> JSONObject {
        guard operation.declaration.name == "undo", arguments["connection"] == nil else { return arguments }
        let inner = OperationContext(call: context, deadline: .after(context.timeLimit), record: CallRecord())
        guard let names = try? await Undo.connections(arguments, in: inner, with: requestServices), names.count == 1
        else {
            return arguments
        }
        var named = arguments
        named["connection"] = names.first.map { .string($0) }
        return named
    }
}
