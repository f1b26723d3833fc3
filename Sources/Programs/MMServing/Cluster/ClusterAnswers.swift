import MMCore
import MMGuard
import MMOperations

/// How a person answers what waits in a cluster: it lies with all nodes, and is read and answered by the person's own program, which
/// has the nodes' key. No pool takes another program's word that a person answers.
struct ClusterAnswers: OperationService {
    /// What a person answers with.
    static let operations: Set<String> = ["confirm", "allow"]

    private let service: any OperationService
    private let services: OperationServices

    /// A service.
    /// - Parameters:
    ///   - service: carries out everything else.
    ///   - services: of this process.
    init(_ service: any OperationService, _ services: OperationServices) {
        self.service = service
        self.services = services
    }

    var catalogue: Catalogue { service.catalogue }

    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        guard Self.operations.contains(operation.declaration.name),
            let states = try ClusterStates(environment: services.environment)
        else { return try await service.call(operation, arguments, in: context) }
        var services = services
        services.ledger.shared = states.confirmations
        return try await LocalOperationService(services: services).call(operation, arguments, in: context)
    }

    func forget(_ client: CallContext) async { await service.forget(client) }
}
