public import MMCore

/// Where operations are carried out: in this process, or behind a pool's socket. Front-ends see no difference.
public protocol OperationService: Sendable {
    /// Every operation there is.
    var catalogue: Catalogue { get }

    /// Carries out one operation.
    /// - Parameters:
    ///   - operation: one of this service's catalogue.
    ///   - arguments: what the caller sent.
    ///   - context: who asks, for how long, and who can be asked back.
    /// - Throws: `MMError`.
    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer

    /// Ends what only one client's own session reaches, its jobs and its shells: it has gone and comes back as another.
    /// - Parameter client: a call of that client; one without a session of its own leaves everything.
    func forget(_ client: CallContext) async
}

extension OperationService {
    /// Carries out the operation of a name or alias.
    /// - Throws: `notFound` with the nearest names; else as the operation.
    public func call(_ name: String, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        try await call(try catalogue.require(name), arguments, in: context)
    }
}
