import MMCore
import MMOperations

/// The service of a front-end whose calls wait for a person's approval, given on the pool's page or with `mm confirm`
/// elsewhere: the call that was held back goes on by itself.
struct ApprovalWait: OperationService {
    private let service: any OperationService
    private let wait: Duration

    private static let variable = "MM_APPROVAL_WAIT"

    /// The service, with the wait that the environment asks for; the service itself without one.
    /// - Throws: `invalidInput` for what is no number of seconds.
    static func over(
        _ service: any OperationService, _ environment: [String: String]
    ) throws(MMError) -> any OperationService {
        guard let text = environment[variable], !text.isEmpty else { return service }
        guard let seconds = Int(text), (0...86_400).contains(seconds) else {
            throw MMError(
                .invalidInput, "\(variable) can't be `\(text.prefix(40))`.",
                hint: "Give whole seconds up to 86400, such as 240; 0 does not wait.")
        }
        return seconds == 0 ? service : ApprovalWait(service: service, wait: .seconds(seconds))
    }

    var catalogue: Catalogue { service.catalogue }

    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        var context = context
        context.approvalWait = wait
        return try await service.call(operation, arguments, in: context)
    }

    func forget(_ client: CallContext) async { await service.forget(client) }
}
