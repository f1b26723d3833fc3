public import MMCore

/// A service that carries out operations: in this process, or in the pool behind its socket. Front-ends see no
/// difference.
public protocol OperationService: Sendable {
    /// The operations of this service.
    var catalogue: Catalogue { get }

    /// Carries out one operation.
    /// - Parameters:
    ///   - operation: one of this service's catalogue.
    ///   - arguments: what the caller sent.
    ///   - context: who asks, for how long, and which person can be asked.
    /// - Throws: `MMError`.
    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer

    /// Ends the jobs and shells that belong to a client's session, because the client has gone and would come back with
    /// a new session.
    /// - Parameter client: the context of a call of that client; nothing ends if it has no session.
    func forget(_ client: CallContext) async
}

extension OperationService {
    /// Carries out the operation with a name or alias.
    /// - Throws: `notFound` with the nearest names; the operation's errors.
    public func call(_ name: String, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        try await call(try catalogue.require(name), arguments, in: context)
    }

    /// Carries out this service's operation with the name of a declared one. A service may have its own under it.
    /// - Throws: the operation's errors.
    package func call(
        _ operation: OperationDeclaration, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        try await call(operation.name, arguments, in: context)
    }
}
