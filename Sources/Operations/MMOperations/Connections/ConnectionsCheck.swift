import MMCore
import MMIdentity

/// `connections_check`: reports the faults of the registry, entry by entry.
struct ConnectionsCheck: CatalogueOperation {
    typealias Input = NoInput

    let declaration = OperationDeclaration(
        "connections_check", command: ["connections", "check"], title: "Check the registry",
        summary: "Check the registry file and each of its entries.", effects: .init(readOnly: true, idempotent: true),
        audience: .person, examples: [.init("mm connections check", "ends with 1 if an entry can't be used")]
    ).kept(by: .owner)

    func run(
        _ input: NoInput, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        let path = services.registry.path
        let connections = (try? services.registry.snapshot().connections) ?? []
        let problems =
            ConnectionCloudCheck.problems(of: connections, paths: services.identity.paths)
            + RegistryCheck.problems(at: path)
        let rows = problems.map { JSONValue.object($0.json) }
        let faults = problems.filter { $0.severity == .error }
        guard faults.isEmpty else {
            throw MMError(
                .remoteFailed,
                (faults.count == 1 ? "" : "The registry \(path) has \(faults.count) faults: ")
                    + faults.map(\.message).joined(separator: " "),
                hint: faults.first?.hint, details: ["problems": .array(rows)])
        }
        return .value(
            ["registry": .string(path), "problems": .array(rows)], notes: problems.isEmpty ? ["No faults."] : [],
            columns: ["severity", "connection", "key", "message", "hint"])
    }
}
