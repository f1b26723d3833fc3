import MMCore
import MMOperations

/// The tools that take an argument which a model has given to another one.
struct ArgumentPlaces: Sendable {
    private let own: [String]
    private let tools: [(name: String, arguments: [String])]

    /// An argument that more tools take says nothing about the tool that was meant.
    private static let mostTools = 2

    /// Creates the places for the arguments of one tool.
    /// - Parameters:
    ///   - own: the tool's own arguments.
    ///   - tools: the arguments of all tools.
    init(own: [InputField], tools: [(name: String, fields: [InputField])]) {
        self.own = own.filter(\.isTakenFromModels).map(\.name)
        self.tools = tools.map { ($0.name, $0.fields.filter(\.isOfferedToModels).map(\.name)) }
    }

    /// Returns a remark about an unknown argument; `nil` if it may mean an argument of the tool itself, or no other
    /// tool takes it.
    func remark(on unknown: String) -> String? {
        guard ArgumentNames.meant(by: unknown, among: own) == nil else { return nil }
        let takers = tools.filter { $0.arguments.contains(unknown) }.map(\.name)
        guard !takers.isEmpty, takers.count <= Self.mostTools else { return nil }
        return "is unknown here: it is an argument of \(takers.joined(separator: " and "))"
    }
}
