public import MMCore

/// Every operation there is: the one place that front-ends project from.
public struct Catalogue: Sendable {
    /// The operations in the order help texts list them.
    public let operations: [AnyOperation]
    private let byName: [String: Int]

    /// A catalogue of these operations.
    /// - Precondition: no name or alias stands twice.
    public init(_ operations: [AnyOperation]) {
        self.operations = operations
        var byName: [String: Int] = [:]
        for (index, operation) in operations.enumerated() {
            for name in [operation.declaration.name] + operation.declaration.aliases {
                precondition(byName.updateValue(index, forKey: name) == nil, "two operations are called \(name)")
            }
        }
        self.byName = byName
    }

    /// The operation of a name or alias.
    public func operation(named name: String) -> AnyOperation? {
        byName[name].map { operations[$0] }
    }

    /// The operation of a name or alias.
    /// - Throws: `MMError.notFound` with the nearest names.
    public func require(_ name: String) throws(MMError) -> AnyOperation {
        if let operation = operation(named: name) { return operation }
        let names = operations.map(\.declaration.name)
        let near = NearestNames.of(name, among: names, limit: 2)
        throw MMError(
            .notFound, "There is no operation `\(name.prefix(80))`.",
            hint: near.isEmpty
                ? "Operations: \(names.joined(separator: ", "))." : "Nearest: \(near.joined(separator: ", "))."
        )
    }
}
