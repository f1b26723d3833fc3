package import MMCore

/// The leases of connections, where several processes carry out calls for the same connections. Only the holder of a
/// connection's lease works with the connection.
package protocol ConnectionLeases: Sendable {
    /// Carries out work of a connection under its lease.
    /// - Parameters:
    ///   - connection: the connection's name.
    ///   - isReading: whether the work only reads.
    ///   - work: the work; it is cancelled when the lease ends.
    /// - Throws: what the work throws; `unavailable` with the detail `lease` if another node holds the lease
    ///   (`elsewhere`) or the lease ended during the work (`over`).
    func holding(
        _ connection: String, isReading: Bool,
        _ work: @escaping @Sendable () async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer

    /// Carries out the call for one of several connections: here under its lease, or on the node that holds the lease.
    /// - Throws: the errors of the call.
    func answer(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext, of connection: String,
        by local: LocalOperationService
    ) async throws(MMError) -> OperationAnswer

    /// Returns the metrics of the leases.
    func families() async -> [MetricFamily]
}

extension OperationServices {
    /// Returns the connection whose lease a call needs; `nil` if it works with none, or only shows or changes this
    /// machine's own files.
    package func leased(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) -> String? {
        let called = operation.call(arguments)
        let declaration = called.operation.declaration
        guard declaration.toolset == .m365, declaration.effects.openWorld || declaration.home == .pool,
            let name = called.arguments["connection"]?.string
        else { return nil }
        // The operation itself reports an unknown connection and splits a list of several.
        return try? registry.snapshot().connection(named: name, for: context.caller.server).name
    }
}

extension OperationServices {
    /// Returns the arguments of a call with the connection's name added if the call undoes changes of one connection,
    /// so that it is known which lease the call needs. Other arguments are returned unchanged.
    package func naming(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async -> JSONObject {
        guard case .changes = operation.declaration.keeper, arguments["connection"] == nil else { return arguments }
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
